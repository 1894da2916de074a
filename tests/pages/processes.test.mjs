// The Process Log: the list with its filters, a process with its details and messages, cancelling, resolving, copying.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { start } from './support/server.mjs';
import { cells, close, launch, open, parameters, rows, until } from './support/browser.mjs';

let server;
let browser;
before(async () => {
  server = await start({ generated: 600 });
  const names = [['user', 'u-90001', 'Greta Hopper'], ['directory', 'ds-90010', 'Azure primary']].map(([kind, id, name]) => ({ tenant: 'acme-corp', kind, id, name }));
  const put = await server.call('producer', '/api/v1/names', { method: 'PUT', body: JSON.stringify(names), headers: { 'Content-Type': 'application/json' } });
  assert.ok(put.ok, await put.text());
  browser = await launch();
});
after(async () => { await browser?.close(); await server?.stop(); });

const open1 = (where) => open(browser, server, 'admin', where);
const process = (id) => open1(`/processes/${id}?tenant=acme-corp`);
const count = (page) => rows(page, 'processes').count();
const fact = (page, label) => page.locator('.fact', { has: page.locator('dt', { hasText: new RegExp(`^${label}$`) }) }).locator('dd');
const messages = (page) => cells(page, 'messages', 'c-message');

test('filters: type, request ID, minimum severity, configuration, status', async () => {
  const page = await open1('/processes');
  await rows(page, 'processes').first().waitFor();
  await page.getByLabel('Request ID').fill('req-nova-done');
  await page.keyboard.press('Enter');
  await until(async () => (await count(page)) === 1, 'one process');
  const row = await rows(page, 'processes').first().innerText();
  for (const text of ['Finished', 'Error', 'Directory Service Synchronization', 'acme-corp', 'req-nova-done', 'ds-90010']) assert.ok(row.includes(text), text);
  await page.getByLabel('Request ID').fill('');
  await page.keyboard.press('Enter');
  await until(async () => (await count(page)) > 1, 'all again');
  await page.getByLabel('Configuration').fill('ds-90011');
  await page.keyboard.press('Enter');
  await until(async () => (await count(page)) === 1 && (await cells(page, 'processes', 'c-status'))[0].includes('Running'), 'the running one');
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await page.getByLabel('Process Type').selectOption('Export Archive');
  await until(async () => { const all = await cells(page, 'processes', 'c-task'); return all.length && all.every((type) => type === 'Export Archive'); }, 'one type');
  await page.getByLabel('Minimum severity').selectOption('error');
  await until(async () => { const all = await cells(page, 'processes', 'c-sev'); return all.length && all.every((one) => /Error|Fatal/.test(one)); }, 'errors and above');
  assert.deepEqual([parameters(page).get('activity'), parameters(page).get('min_severity')], ['Export Archive', 'error']);
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await page.getByLabel('Minimum severity').selectOption('warning');
  await until(async () => { const all = (await cells(page, 'processes', 'c-sev')).join(); return all.includes('Warning') && /Error|Fatal/.test(all) && !all.includes('Information'); }, 'a minimum of warning shows warnings and errors');
  await close(page);
});

test('filters: timestamp and finished, from and to', async () => {
  const field = (minutes) => new Date(Date.now() - minutes * 60_000).toLocaleString('sv-SE', { timeZone: 'Europe/Berlin' }).replace(' ', 'T');
  const page = await open1('/processes?configuration_id=ds-90010');
  await until(async () => (await count(page)) === 1, 'the process');
  for (const [label, inside, outside] of [['Timestamp from', 40, 25], ['Timestamp to', 25, 40], ['Finished from', 25, 15], ['Finished to', 15, 25]]) {
    await page.getByLabel(label).fill(field(outside));
    await page.getByLabel(label).blur();
    await page.getByRole('heading', { name: 'No processes' }).waitFor();
    await page.getByLabel(label).fill(field(inside));
    await page.getByLabel(label).blur();
    await until(async () => (await count(page)) === 1, `${label} includes it`);
    await page.getByLabel(label).fill('');
    await page.getByLabel(label).blur();
  }
  await close(page);
});

test('refresh shows what began since; details open from Actions', async () => {
  const page = await open1('/processes?request_id=req-nova-new');
  await page.getByRole('heading', { name: 'No processes' }).waitFor();
  await server.append({ tenant: 'acme-corp', service: 'nova-sync', activity: 'Export Archive', request_id: 'req-nova-new', process: { id: 'nova-new', event: 'started' } });
  await page.getByRole('button', { name: 'Refresh' }).click();
  await until(async () => (await count(page)) === 1, 'the new process');
  await page.getByRole('link', { name: 'Details of Export Archive' }).click();
  await page.waitForURL((url) => url.pathname === '/processes/nova-new');
  await close(page);
});

test('details: status, severity, request ID, configuration, times', async () => {
  const page = await process('nova-done');
  await page.getByRole('heading', { name: 'Directory Service Synchronization' }).waitFor();
  assert.match(await fact(page, 'Status').innerText(), /Finished/);
  assert.match(await fact(page, 'Severity').innerText(), /Error/);
  assert.match(await fact(page, 'Request ID').innerText(), /req-nova-done/);
  assert.match(await fact(page, 'Configuration').innerText(), /ds-90010/);
  assert.match(await fact(page, 'Timestamp').innerText(), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/);
  assert.match(await fact(page, 'Finished').innerText(), /took 10 min 0 s/);
  assert.equal(await page.getByRole('button', { name: 'Cancel process' }).count(), 0, 'what has finished is not cancelled');
  await close(page);
});

test('a connection error links to the configuration’s test', async () => {
  const page = await process('nova-done');
  const link = page.getByRole('link', { name: /Test connection/ });
  await link.waitFor();
  assert.equal(await link.getAttribute('href'), '/elsewhere/directory-services/ds-90010/test');
  await close(page);
});

test('messages: those of sub-processes too, filtered by minimum severity', async () => {
  const page = await process('nova-done');
  await until(async () => (await messages(page)).length === 5, 'five messages');
  assert.ok((await messages(page)).includes('Part of it begins'));
  await page.getByLabel('Minimum severity').selectOption('warning');
  await until(async () => (await messages(page)).length === 2, 'warnings and errors');
  await page.getByLabel('Minimum severity').selectOption('error');
  await until(async () => (await messages(page)).length === 1, 'errors');
  await close(page);
});

test('messages of a sub-process that come after the end are added while one looks', async () => {
  const page = await process('nova-done');
  await until(async () => (await messages(page)).length >= 5, 'messages');
  await server.append({ tenant: 'acme-corp', service: 'nova-sync', activity: 'Index Messages', message: 'Came late', process: { id: 'nova-sub', parent: 'nova-done' } });
  await until(async () => (await messages(page)).includes('Came late'), 'the late message');
  assert.match(await fact(page, 'Status').innerText(), /Finished/);
  await close(page);
});

test('resolve one ID, in a message and of the configuration', async () => {
  const page = await process('nova-done');
  await page.locator('.fact').getByRole('button', { name: 'Resolve ds-90010' }).click();
  await page.locator('.fact').getByText('Azure primary').waitFor();
  const row = rows(page, 'messages').filter({ hasText: 'has no address' });
  await row.getByRole('button', { name: 'Resolve u-90001' }).click();
  await row.getByText('Greta Hopper').waitFor();
  assert.match(await row.innerText(), /u-90001/, 'the ID stays beside the name');
  await close(page);
});

test('Resolve All: every ID, those inside messages too, with progress', async () => {
  const page = await process('nova-done');
  await until(async () => (await messages(page)).length >= 5, 'messages');
  let free;
  await page.route('**/api/v1/resolve', (route) => new Promise((go) => { free = () => { go(); return route.continue(); }; }));
  await page.getByRole('button', { name: 'Resolve All' }).click();
  await page.getByRole('progressbar', { name: 'Resolving IDs' }).waitFor();
  await until(() => free, 'the question');
  await free();
  await rows(page, 'messages').filter({ hasText: 'Synchronizing' }).getByText('Greta Hopper').waitFor();
  await rows(page, 'messages').filter({ hasText: 'Synchronizing' }).getByText('Azure primary').waitFor();
  await close(page);
});

test('Copy as JSON: the process with its messages', async () => {
  const page = await process('nova-done');
  await page.getByRole('button', { name: 'Copy as JSON' }).click();
  const text = await until(() => page.evaluate(() => navigator.clipboard.readText()), 'the clipboard');
  const copied = JSON.parse(text);
  assert.equal(copied.process.id, 'nova-done');
  assert.ok(copied.messages.length >= 5);
  await close(page);
});

test('cancel: asked, noted in the log, and shown', async () => {
  const page = await process('nova-runs');
  await page.getByRole('button', { name: 'Cancel process' }).click();
  const dialog = page.getByRole('dialog', { name: 'Cancel this process?' });
  await dialog.getByRole('button', { name: 'Cancel process' }).click();
  await until(async () => /Cancel requested/.test(await fact(page, 'Status').innerText()), 'the status');
  const producer = await (await server.call('producer', '/api/v1/processes/nova-runs/cancel?tenant=acme-corp&wait=0')).json();
  assert.equal(producer.cancel_requested, true);
  await until(async () => (await messages(page)).some((text) => /cancel/i.test(text)), 'the request among the messages');
  await close(page);
});

test('what is not cancelled here says where to go', async () => {
  const page = await process('nova-empty');
  const link = page.getByRole('link', { name: /Cancel it where/ });
  await link.waitFor();
  assert.equal(await link.getAttribute('href'), '/elsewhere/archive-mailboxes');
  await close(page);
});

test('keyboard alone: move, open, and back', async () => {
  const page = await open1('/processes?configuration_id=ds-90010');
  await rows(page, 'processes').first().waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.waitForURL((url) => url.pathname === '/processes/nova-done');
  await page.goBack();
  await until(async () => (await count(page)) === 1, 'the filtered list again');
  await page.keyboard.press('/');
  await page.waitForFunction(() => document.activeElement?.name === 'request_id');
  await page.keyboard.type('req-nova-done');
  await page.keyboard.press('Enter');
  await until(() => parameters(page).get('request_id') === 'req-nova-done', 'the filter');
  await close(page);
});
