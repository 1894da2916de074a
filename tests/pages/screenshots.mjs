// Pictures of the pages, for the documentation: `npm run screenshots` writes docs/screenshots/*.png, of a server that is fed for a minute.

import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { ROOT, start } from './support/server.mjs';
import { launch, open, rows, until } from './support/browser.mjs';

const INTO = path.join(ROOT, 'docs/screenshots');
const ROUNDS = 60;

const server = await start({ generated: 400 });
const program = process.env.SEALOG_BIN ?? path.join(ROOT, 'target/release/sealog');
const lines = execFileSync(program, ['generate', '--entries', '2400', '--seed', '23', '--days', '3'], { encoding: 'utf8', maxBuffer: 1 << 27 }).trim().split('\n').map((line) => JSON.parse(line));

// What was made days ago, made now: the pages show times of logging, and a minute is enough for a curve.
for (let round = 0; round < ROUNDS; round += 1) {
  const some = Math.round(40 + 26 * Math.sin(round / 6) + 12 * Math.sin(round * 1.7));
  const now = Date.now();
  const shifted = lines.splice(0, some).map(({ generated_at: made, started, finished, ...entry }, at) => ({
    ...entry, generated_at: new Date(now - (some - at) * 20).toISOString(),
    ...(started && finished ? { started: new Date(now - Date.parse(finished) + Date.parse(started)).toISOString(), finished: new Date(now).toISOString() } : {}),
  }));
  if (shifted.length) await server.append(...shifted);
  await new Promise((next) => setTimeout(next, 1000));
}

const browser = await launch();
mkdirSync(INTO, { recursive: true });

async function shoot(name, role, where, { scheme = 'light', ready } = {}) {
  const page = await open(browser, server, role, where, { scheme, width: 1440, height: 860 });
  await ready?.(page);
  await page.locator('.skeleton').waitFor({ state: 'detached' });
  await page.evaluate(() => document.fonts.ready);
  const file = path.join(INTO, `${name}.png`);
  await page.screenshot({ path: file, animations: 'disabled', caret: 'hide' });
  console.log(`${path.relative(ROOT, file)} ${Math.round(statSync(file).size / 1000)} kB`);
  await page.context().close();
}

const chart = (page) => page.getByRole('application', { name: /Entries over time/ }).waitFor();
await shoot('audit', 'auditor', '/audit?last=2m', { ready: async (page) => { await chart(page); await rows(page, 'audit').first().waitFor(); } });
await shoot('audit-details', 'auditor', '/audit?last=2m', { scheme: 'dark', ready: async (page) => { await chart(page); await rows(page, 'audit').nth(4).click(); await page.getByRole('tab', { name: 'Details' }).waitFor(); } });
await shoot('process', 'admin', '/processes/nova-done?tenant=acme-corp', { scheme: 'dark', ready: async (page) => { await until(async () => (await rows(page, 'messages').count()) > 4); } });
await shoot('customer-log', 'two', '/log', { ready: async (page) => { await chart(page); await rows(page, 'customer').first().waitFor(); } });
await browser.close();
await server.stop();
