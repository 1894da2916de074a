// The Customer Log: filters that hold on Display Records, all columns, downloads, export, and nobody else's records.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { start, withArtifact } from './support/server.mjs';
import { NOVA } from './support/seed.mjs';
import { cells, close, launch, open, parameters, rows, until } from './support/browser.mjs';

let server;
let browser;
before(async () => {
  server = await start({ generated: 800 });
  await withArtifact(server, 'acme-corp', { service: 'nova-reports', activity: 'Devices Report', object: { id: 'rep-1', name: 'Devices of March' } }, 'devices.txt', 'two devices\n');
  browser = await launch();
});
after(async () => { await browser?.close(); await server?.stop(); });

const log = (where = '/log', role = 'customer') => open(browser, server, role, where);
const display = (page) => page.getByRole('button', { name: 'Display Records' }).click();
const first = (page) => rows(page, 'customer').first();
const total = async (page) => Number((await page.locator('.sum b').innerText()).replaceAll(',', ''));

test('columns: all of the reference, and the duration', async () => {
  const page = await log('/log?activity=Change+Nova+Policy');
  await first(page).waitFor();
  assert.deepEqual(await page.locator('.rows.customer [role=columnheader]').allInnerTexts(), ['Username / Customer / Organization', 'Severity', 'Date', 'Started', 'Finished', 'Duration', 'Source', 'Task', 'Item', 'User', 'Download']);
  const [who, severity, date, started, finished, duration, source, task, item, user] = await first(page).locator('[role=gridcell]').allInnerTexts();
  assert.match(who, /Greta Hopper\s+acme-corp \/ Berlin/);
  assert.equal(severity, 'Warning');
  assert.match(date, /^\d{4}-\d\d-\d\d$/);
  assert.match(started, /^\d\d:\d\d:\d\d$/);
  assert.match(finished, /^\d\d:\d\d:\d\d$/);
  assert.deepEqual([duration, source, task, item, user], ['30 s', 'nova', NOVA.activity, 'Ten Years', 'peer.lovelace']);
  await close(page);
});

test('severity: three boxes; Error means error and fatal, Information all below warning', async () => {
  const page = await log('/log?service=nova');
  await first(page).waitFor();
  await page.getByRole('checkbox', { name: 'Information' }).uncheck();
  await page.getByRole('checkbox', { name: 'Warning' }).uncheck();
  assert.equal(parameters(page).has('severity'), false, 'nothing changes before Display Records');
  await display(page);
  await until(async () => { const all = await cells(page, 'customer', 'c-sev'); return all.length && all.every((one) => /Error|Fatal/.test(one)) && all.includes('Fatal'); }, 'errors and fatal ones');
  await page.getByRole('checkbox', { name: 'Error' }).uncheck();
  await page.getByRole('checkbox', { name: 'Information' }).check();
  await display(page);
  await until(async () => { const all = await cells(page, 'customer', 'c-sev'); return all.length && all.every((one) => /Information|Debug|Trace/.test(one)); }, 'information and below');
  await close(page);
});

test('Date From and Date To, in the page’s zone', async () => {
  const field = (minutes) => new Date(Date.now() - minutes * 60_000).toLocaleString('sv-SE', { timeZone: 'Europe/Berlin' }).replace(' ', 'T');
  const page = await log('/log?service=nova');
  await first(page).waitFor();
  await page.getByLabel('Date From').fill(field(120));
  await page.getByLabel('Date To').fill(field(60));
  await display(page);
  await page.getByRole('heading', { name: 'No records match' }).waitFor();
  await page.getByLabel('Date To').fill(field(-1));
  await display(page);
  await first(page).waitFor();
  assert.ok(Math.abs(Date.parse(parameters(page).get('from')) - (Date.now() - 120 * 60_000)) < 60_000);
  await close(page);
});

test('Source, Task, Item Name and Organization', async () => {
  const page = await log();
  await first(page).waitFor();
  const asked = async (label, change, name, pattern) => {
    await change();
    await display(page);
    await until(async () => { const all = await cells(page, 'customer', name); return all.length && all.every((text) => pattern.test(text)); }, label);
  };
  await asked('Source', async () => { await until(() => page.getByRole('combobox', { name: 'Source' }).locator('option[value=nova]').count()); await page.getByRole('combobox', { name: 'Source' }).selectOption('nova'); }, 'c-source', /^nova$/);
  await asked('Item Name', () => page.getByLabel('Item Name').fill('SITE2.nova'), 'c-item', /^site2\.nova\.example$/);
  await page.getByLabel('Item Name').fill('');
  await asked('Task', async () => { await until(() => page.getByRole('combobox', { name: 'Task' }).locator('option[value="Nova Step 4"]').count()); await page.getByRole('combobox', { name: 'Task' }).selectOption('Nova Step 4'); }, 'c-task', /^Nova Step 4$/);
  await page.getByRole('combobox', { name: 'Task' }).selectOption('');
  await asked('Organization', async () => { await until(() => page.getByRole('combobox', { name: 'Organization' }).locator('option[value=Wien]').count()); await page.getByRole('combobox', { name: 'Organization' }).selectOption('Wien'); }, 'c-who', /acme-corp \/ Wien/);
  assert.equal(await page.getByRole('combobox', { name: 'Organization' }).locator('option').first().innerText(), '<All>');
  await close(page);
});

test('Customer: one’s own is set; who has several chooses among them', async () => {
  const one = await log();
  assert.deepEqual(await one.getByRole('combobox', { name: 'Customer' }).locator('option').allInnerTexts(), ['acme-corp']);
  await close(one);
  const two = await log('/log?service=nova', 'two');
  await first(two).waitFor();
  assert.deepEqual(await two.getByRole('combobox', { name: 'Customer' }).locator('option').allInnerTexts(), ['All of mine', 'acme-corp', 'northwind-group']);
  const before = new Set((await cells(two, 'customer', 'who-where')).map((text) => text.split(' ')[0]));
  assert.deepEqual([...before].sort(), ['acme-corp', 'northwind-group']);
  await two.getByRole('combobox', { name: 'Customer' }).selectOption('northwind-group');
  await display(two);
  await until(async () => (await cells(two, 'customer', 'who-where')).every((text) => text.startsWith('northwind-group')), 'only that customer');
  await close(two);
});

test('Download gives the file that the task made', async () => {
  const page = await log('/log?activity=Devices+Report&service=nova-reports');
  await first(page).waitFor();
  const [download] = await Promise.all([page.waitForEvent('download'), first(page).getByRole('link', { name: 'Download devices.txt' }).click()]);
  assert.equal(download.suggestedFilename(), 'devices.txt');
  assert.equal(await readFile(await download.path(), 'utf8'), 'two devices\n');
  await close(page);
});

test('Export Log gives the filtered records as a file', async () => {
  const page = await log('/log?service=nova&search=of+Nova');
  await first(page).waitFor();
  await page.getByText('Export Log').click();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: /^NDJSON/ }).click()]);
  const lines = (await readFile(await download.path(), 'utf8')).trim().split('\n').map((line) => JSON.parse(line));
  assert.equal(lines.length, 5);
  assert.ok(lines.every((entry) => entry.tenant === 'acme-corp' && entry.service === 'nova'));
  await close(page);
});

test('editing the address shows, counts and exports nothing of another customer', async () => {
  const foreign = await (await server.call('auditor', '/api/v1/entries?service=nova&tenant=northwind-group&limit=1')).json();
  const { service, seq } = foreign.entries[0];
  const page = await log('/log?tenant=northwind-group');
  await page.getByRole('heading', { name: 'No records match' }).waitFor();
  await until(async () => (await total(page)) === 0, 'a count of nothing');
  await page.goto(`/log?entry=${service}/${seq}`);
  await page.getByRole('complementary', { name: 'Entry details' }).getByRole('heading', { name: 'Nothing here' }).waitFor();
  await page.goto('/log?log=audit');
  await until(async () => /does not open this|No records|acme-corp/.test(await page.locator('main').innerText()), 'an answer');
  assert.ok(!(await page.locator('main').innerText()).includes('northwind-group'));
  const exported = await page.evaluate(async () => (await fetch('/api/v1/export?log=customer&tenant=northwind-group&format=ndjson')).text());
  assert.equal(exported.trim(), '');
  await close(page);
});

test('a key that is limited to an organization sees that one only', async () => {
  const page = await log('/log?service=nova', 'limited');
  await first(page).waitFor();
  assert.ok((await cells(page, 'customer', 'who-where')).every((text) => text === 'acme-corp / Berlin'));
  await close(page);
});

test('keyboard alone: filter, display, move, open, close', async () => {
  const page = await log('/log?service=nova');
  await first(page).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('Ten Years');
  await page.keyboard.press('Enter');
  await until(async () => (await rows(page, 'customer').count()) === 1, 'one record');
  await page.getByRole('grid', { name: 'Customer log' }).focus();
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  const drawer = page.getByRole('complementary', { name: 'Entry details' });
  assert.equal(await drawer.getByRole('heading', { level: 2 }).innerText(), NOVA.activity);
  await page.keyboard.press('Escape');
  await until(async () => (await drawer.count()) === 0, 'closed');
  await close(page);
});
