// Chromium, signed in as a role through the sign-in page. What a page says in its console, or a script that the policy stopped, fails the test.

import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

const PROGRAM = process.env.CHROMIUM ?? '/usr/bin/chromium';

export const launch = () => chromium.launch({ executablePath: PROGRAM, args: ['--no-sandbox', '--disable-dev-shm-usage'] });

export async function open(browser, server, role, where = '/', { width = 1440, height = 900, scheme = 'light', timezoneId = 'Europe/Berlin', ...more } = {}) {
  const context = await browser.newContext({ baseURL: server.url, viewport: { width, height }, colorScheme: scheme, timezoneId, locale: 'en-GB', permissions: ['clipboard-read', 'clipboard-write'], acceptDownloads: true, ...more });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(String(error.stack)));
  page.on('console', (message) => {
    // Answers of 4xx are said by the browser itself; what a page makes of them is tested.
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) page.problems.push(message.text());
  });
  if (role) await signIn(page, server.keys[role]);
  if (where !== '/' || !role) await page.goto(where);
  return page;
}

export async function signIn(page, key) {
  await page.goto('/signin');
  await page.getByLabel('Key or link code').fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL((url) => url.pathname !== '/signin');
  await page.locator('nav.side').waitFor({ state: 'attached' });
}

export async function close(page) {
  assert.deepEqual(page.problems, []);
  await page.context().close();
}

/** Waits until `look` gives something true, and gives it: no sleeps of a guessed length. */
export async function until(look, what = 'what was expected', patience = 15_000) {
  const end = Date.now() + patience;
  let last;
  for (;;) {
    try {
      const found = await look();
      if (found) return found;
      last = found;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) assert.fail(`${what} did not come: ${last}`);
    await new Promise((next) => setTimeout(next, 40));
  }
}

export const texts = (page, selector) => page.locator(selector).allInnerTexts();
export const rows = (page, kind) => page.locator(`.rows.${kind} .rows-body .row:not(.gap)`);
export const cells = (page, kind, name) => texts(page, `.rows.${kind} .rows-body .row .${name}`);

export const parameters = (page) => new URL(page.url()).searchParams;
