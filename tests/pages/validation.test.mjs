// Validation: the timeframe, a result for each service with its first and last verifiable entry, progress, problems.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { start } from './support/server.mjs';
import { close, launch, open, parameters, until } from './support/browser.mjs';

let server;
let browser;
before(async () => { server = await start({ generated: 300 }); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

const validate = (page) => page.locator('.toolbar').getByRole('button', { name: 'Validate' }).click();

test('each service is valid, with its first and last verifiable entry', async () => {
  const page = await open(browser, server, 'auditor', '/audit/validation?last=1d');
  await validate(page);
  await page.getByRole('heading', { name: 'The log is valid' }).waitFor();
  const { chains } = await (await server.call('auditor', '/api/v1/chains')).json();
  const names = await page.locator('tr[data-service] th').allInnerTexts();
  for (const chain of chains) assert.ok(names.includes(chain.service), chain.service);
  const row = page.locator('tr[data-service=nova]');
  const [result, first, last, entries] = await row.locator('td').allInnerTexts();
  assert.equal(result.trim(), 'Valid');
  assert.match(first, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d #0$/);
  assert.match(last, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d #13$/);
  assert.equal(entries, '14');
  for (const head of ['First verifiable entry', 'Last verifiable entry', 'Result']) await page.getByRole('columnheader', { name: head }).waitFor();
  await close(page);
});

test('the timeframe and the services that are chosen are what is asked', async () => {
  const page = await open(browser, server, 'auditor', '/audit/validation');
  await page.getByLabel('Timeframe: how many').fill('2');
  await page.getByLabel('Timeframe: unit').selectOption({ label: 'hours' });
  await until(() => parameters(page).get('last') === '2h', 'the timeframe in the address');
  await page.getByText('All services').click();
  await page.getByRole('group', { name: 'Services' }).getByLabel('nova', { exact: true }).check();
  await page.keyboard.press('Escape');
  const [request] = await Promise.all([page.waitForRequest('**/api/v1/verify'), validate(page)]);
  assert.deepEqual(request.postDataJSON(), { last: '2h', services: ['nova'] });
  await page.getByRole('heading', { name: 'The log is valid' }).waitFor();
  const names = await page.locator('tr[data-service] th').allInnerTexts();
  assert.deepEqual(names.filter((name) => !name.startsWith('sealog.')), ['nova']);
  await close(page);
});

test('progress is shown while it runs, and it can be stopped', async () => {
  const page = await open(browser, server, 'auditor', '/audit/validation');
  let answer;
  await page.route('**/api/v1/verify', (route) => new Promise((go) => { answer = () => { go(); return route.continue(); }; }));
  await validate(page);
  await page.getByRole('progressbar', { name: 'Progress of the validation' }).waitFor();
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByRole('heading', { name: 'Was anything changed?' }).waitFor();
  await answer().catch(() => {});
  await close(page);
});

test('the report can be printed: on paper stand whole hashes and who validated, and no navigation', async () => {
  const page = await open(browser, server, 'auditor', '/audit/validation');
  await validate(page);
  await page.getByRole('heading', { name: 'The log is valid' }).waitFor();
  await page.emulateMedia({ media: 'print' });
  assert.equal(await page.locator('nav.side').isVisible(), false);
  const { chains } = await (await server.call('auditor', '/api/v1/chains')).json();
  const nova = chains.find((chain) => chain.service === 'nova');
  assert.equal((await page.locator('tr[data-service=nova] code').innerText()).replace(/\s/g, ''), nova.head);
  await page.getByText('Validated', { exact: true }).waitFor();
  await close(page);
});

test('a changed byte is found: the service, the kind of problem and its place', async () => {
  const broken = await start({ generated: 0 });
  flip(broken.data);
  const page = await open(browser, broken, 'auditor', '/audit/validation');
  await validate(page);
  await page.getByRole('heading', { name: 'The log is NOT valid' }).waitFor();
  const problem = page.locator('.problems li').first();
  await problem.waitFor();
  assert.ok((await problem.locator('.detail').innerText()).length > 10);
  assert.match(await problem.locator('.badge').innerText(), /^(altered|missing|checksum|index|extra|reordered|duplicate|foreign|time)$/);
  await close(page);
  await broken.stop();
});

/** Changes one byte of what was logged, in the middle of the journal. */
function flip(data) {
  const directory = path.join(data, 'journal');
  const file = path.join(directory, readdirSync(directory).sort()[0]);
  const bytes = readFileSync(file);
  const at = bytes.indexOf('Step 4 of Nova');
  assert.ok(at > 0, 'the text of an entry is in the journal');
  bytes[at] ^= 1;
  writeFileSync(file, bytes);
}
