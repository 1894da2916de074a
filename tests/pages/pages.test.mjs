// All pages: what people with assistive technology meet, light and dark, and every width; then overview, chains, administration.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import path from 'node:path';
import { ROOT, start } from './support/server.mjs';
import { close, launch, open, rows, until } from './support/browser.mjs';

let server;
let browser;
before(async () => { server = await start({ generated: 800 }); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

const AXE = readFileSync(path.join(import.meta.dirname, 'node_modules/axe-core/axe.min.js'), 'utf8');
const row = (kind) => async (page) => { await rows(page, kind).first().waitFor(); };

/** Every page and each of its states that has controls of its own. */
const VIEWS = [
  ['sign in', '/signin', null, async (page) => page.getByLabel('Key or link code').waitFor()],
  ['overview', '/audit?view=overview', 'all', async (page) => page.getByRole('heading', { name: 'Unfinished processes' }).waitFor()],
  ['audit log', '/audit?service=nova', 'all', row('audit')],
  ['audit log, details', '/audit?service=nova&entry=nova/4', 'all', async (page) => page.getByRole('heading', { name: 'Nova Step 4' }).waitFor()],
  ['validation', '/audit/validation', 'all', async (page) => { await page.locator('.toolbar').getByRole('button', { name: 'Validate' }).click(); await page.getByRole('heading', { name: 'The log is valid' }).waitFor(); }],
  ['process log', '/processes', 'all', row('processes')],
  ['process', '/processes/nova-done?tenant=acme-corp', 'all', row('messages')],
  ['customer log', '/log', 'all', row('customer')],
  ['chains', '/chains', 'all', async (page) => page.getByRole('row', { name: /nova/ }).first().waitFor()],
  ['administration', '/admin', 'all', async (page) => page.getByRole('button', { name: /^Revoke/ }).first().waitFor()],
];

for (const scheme of ['light', 'dark']) {
  test(`axe finds no serious problem on any page, ${scheme}`, async () => {
    const signedIn = await open(browser, server, 'all', '/', { scheme });
    for (const [name, where, role, ready] of VIEWS) {
      const page = role ? signedIn : await open(browser, server, null, where, { scheme });
      if (role) await page.goto(where);
      await ready(page);
      await page.locator('.skeleton').waitFor({ state: 'detached' });
      // The page's policy allows no script of others; the inspector is not bound by it.
      const session = await page.context().newCDPSession(page);
      await session.send('Runtime.evaluate', { expression: AXE });
      const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
      const serious = found.violations.filter(({ impact }) => ['serious', 'critical'].includes(impact)).map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary}`).join(' | ')}`);
      assert.deepEqual(serious, [], name);
      if (!role) await close(page);
    }
    await close(signedIn);
  });
}

for (const width of [320, 768, 1440, 2560]) {
  test(`at ${width} pixels nothing runs out of the page`, async () => {
    const page = await open(browser, server, 'all', '/', { width, height: 900 });
    for (const [name, where, role, ready] of VIEWS.filter(([, , role]) => role)) {
      await page.goto(where);
      await ready(page);
      const out = await page.evaluate((wide) => {
        const box = document.querySelector('main');
        const grids = [...document.querySelectorAll('.rows')].filter((grid) => grid.scrollWidth > grid.clientWidth + 1).map((grid) => `grid ${grid.className} ${grid.scrollWidth} > ${grid.clientWidth}`);
        return [...grids, ...(document.documentElement.scrollWidth > wide ? [`document ${document.documentElement.scrollWidth}`] : []), ...(box.scrollWidth > box.clientWidth + 1 ? [`main ${box.scrollWidth} > ${box.clientWidth}`] : [])];
      }, width);
      assert.deepEqual(out, [], name);
    }
    await close(page);
  });
}

test('on a narrow screen the navigation opens and closes, and details fill the screen', async () => {
  const page = await open(browser, server, 'auditor', '/audit?service=nova', { width: 320, height: 640 });
  await rows(page, 'audit').first().waitFor();
  await page.getByRole('button', { name: 'Navigation' }).click();
  await page.getByRole('link', { name: 'Chains' }).click();
  await page.getByRole('heading', { name: 'Chains' }).waitFor();
  await page.goBack();
  await rows(page, 'audit').first().click();
  const box = await page.getByRole('complementary', { name: 'Entry details' }).boundingBox();
  assert.equal(box.width, 320);
  await close(page);
});

test('theme: follows the system, and what is chosen stays', async () => {
  const page = await open(browser, server, 'auditor', '/audit', { scheme: 'dark' });
  const ground = () => page.evaluate(() => getComputedStyle(document.querySelector('main')).backgroundColor);
  const dark = await ground();
  await page.getByRole('button', { name: 'Light theme' }).click();
  await until(async () => (await ground()) !== dark, 'the light theme');
  await page.reload();
  await page.getByRole('heading', { name: 'Audit Log' }).waitFor();
  assert.notEqual(await ground(), dark);
  await close(page);
});

test('overview: unfinished and failed processes, failures, chains', async () => {
  const page = await open(browser, server, 'all', '/audit?view=overview');
  const card = (title) => page.locator('.card', { has: page.getByRole('heading', { name: title }) });
  await until(async () => /Directory Service Synchronization/.test(await card('Unfinished processes').innerText()), 'what runs');
  await until(async () => /Export Archive/.test(await card('Failed, 7 days').innerText()), 'what failed');
  await until(async () => (await card('Failed most, 7 days').locator('li').count()) > 0, 'failures by activity');
  await until(async () => /nova/.test(await card('Chains').innerText()), 'heads');
  await until(async () => /\d/.test(await page.locator('.tile b').first().innerText()), 'the volume');
  await close(page);
});

test('chains: an auditor sees ends and heads, an admin heads only', async () => {
  const { chains } = await (await server.call('auditor', '/api/v1/chains')).json();
  const nova = chains.find((chain) => chain.service === 'nova');
  const auditor = await open(browser, server, 'auditor', '/chains');
  const line = auditor.locator('tr', { has: auditor.getByRole('rowheader', { name: 'nova', exact: true }) });
  await line.waitFor();
  assert.ok((await line.innerText()).includes(nova.head.slice(0, 16)));
  assert.match(await line.innerText(), /#13/);
  await close(auditor);
  const admin = await open(browser, server, 'admin', '/chains');
  await admin.getByRole('rowheader', { name: 'nova', exact: true }).waitFor();
  assert.equal(await admin.getByRole('columnheader', { name: 'Last entry' }).count(), 0);
  await close(admin);
});

test('administration: an admin makes a key that works once shown, and revokes it; an auditor only looks', async () => {
  const page = await open(browser, server, 'admin', '/admin');
  await page.getByRole('button', { name: 'New key' }).click();
  const form = page.getByRole('dialog', { name: 'New key' });
  await form.getByLabel('Customer reads').check();
  await form.getByLabel(/^Customers/).fill('acme-corp');
  await form.getByRole('button', { name: 'Make the key' }).click();
  const text = await page.locator('.secret code').innerText();
  assert.match(text, /^slg_/);
  assert.equal((await server.call(text, '/api/v1/me')).status, 200);
  await page.getByRole('button', { name: 'Done' }).click();
  const id = text.split('_')[1];
  await page.getByRole('button', { name: `Revoke ${id}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke', exact: true }).click();
  await until(async () => (await server.call(text, '/api/v1/me')).status === 401, 'the refusal');
  await close(page);
  const auditor = await open(browser, server, 'auditor', '/admin');
  await auditor.getByRole('rowheader').first().waitFor();
  assert.equal(await auditor.getByRole('button', { name: 'New key' }).count(), 0);
  assert.equal(await auditor.getByRole('button', { name: /^Revoke/ }).count(), 0);
  await close(auditor);
});

const UI = path.join(ROOT, 'server/ui');
const files = () => readdirSync(UI, { recursive: true }).map(String);

test('scripts and styles are under 100 kB compressed', () => {
  const sizes = files().filter((name) => /\.(js|css)$/.test(name)).map((name) => gzipSync(readFileSync(path.join(UI, name)), { level: 9 }).length);
  const sum = sizes.reduce((all, size) => all + size, 0);
  assert.ok(sum < 100_000, `${sum} bytes`);
});

test('vendored files are those that VENDORED.md names', () => {
  const told = readFileSync(path.join(UI, 'vendor/VENDORED.md'), 'utf8');
  for (const name of readdirSync(path.join(UI, 'vendor')).filter((one) => one.endsWith('.js'))) {
    const hash = createHash('sha256').update(readFileSync(path.join(UI, 'vendor', name))).digest('hex');
    assert.ok(told.includes(hash), `${name} has ${hash}`);
  }
});

test('the shell has no inline script or style, and names no other host', () => {
  const shell = readFileSync(path.join(UI, 'index.html'), 'utf8');
  assert.ok(!/<style|style=|<script>|<script(?![^>]*src=)|\son\w+=/.test(shell));
  for (const name of files().filter((one) => /\.(js|css|html|svg)$/.test(one) && !one.startsWith('vendor'))) {
    const hosts = readFileSync(path.join(UI, name), 'utf8').replaceAll('http://www.w3.org/2000/svg', '').match(/https?:\/\/\S+/g) ?? [];
    assert.deepEqual(hosts, [], name);
  }
});
