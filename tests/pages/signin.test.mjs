// Signing in, and what each role is led to and kept from.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { start } from './support/server.mjs';
import { close, launch, open, signIn, texts, until } from './support/browser.mjs';

let server;
let browser;
before(async () => { server = await start({ generated: 0 }); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

test('a wrong key is refused in words, and stays in no address', async () => {
  const page = await open(browser, server, null, '/signin');
  await page.getByLabel('Key or link code').fill('slg_nobody_0000');
  await page.getByRole('button', { name: 'Sign in' }).click();
  assert.match(await page.getByRole('alert').innerText(), /not known, has expired or was revoked/);
  assert.ok(!page.url().includes('slg_'));
  await close(page);
});

for (const [role, path, names] of [
  ['auditor', '/audit', ['Overview', 'Audit Log', 'Validation', 'Chains', 'Administration']],
  ['admin', '/processes', ['Overview', 'Process Log', 'Chains', 'Administration']],
  ['customer', '/log', ['Overview', 'Customer Log']],
]) {
  test(`${role} is led to ${path}, and sees no other role's pages`, async () => {
    const page = await open(browser, server, role);
    assert.equal(new URL(page.url()).pathname, path);
    assert.deepEqual(await texts(page, 'nav.side li a'), names);
    await close(page);
  });
}

test('a page of another role says which role it needs', async () => {
  const page = await open(browser, server, 'customer', '/audit');
  await page.getByRole('heading', { name: 'Audit Log is not open to your key' }).waitFor();
  assert.match(await page.locator('.state').innerText(), /needs the role auditor; yours: customer/);
  await close(page);
});

test('a link signs in once, and a view that asked for a key comes back after it', async () => {
  const answer = await server.call('auditor', '/signin/link', { method: 'POST' });
  const { url } = await answer.json();
  const page = await open(browser, server, null, url);
  await page.getByRole('heading', { name: 'Audit Log' }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in to Sealog' }).waitFor();
  await page.goto(url);
  await until(async () => /used already/.test(await page.locator('.signin-card').innerText()), 'the refusal of a used link');
  await page.goto('/audit?search=nova');
  await page.waitForURL((at) => at.pathname === '/signin');
  await page.getByLabel('Key or link code').fill(server.keys.auditor);
  await page.keyboard.press('Enter');
  await page.waitForURL((at) => at.pathname === '/audit' && at.searchParams.get('search') === 'nova');
  await close(page);
});

test('the key is in no storage that a script reads', async () => {
  const page = await open(browser, server, 'auditor');
  const kept = await page.evaluate(() => JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }]));
  assert.ok(!kept.includes('slg_') && !kept.includes(server.keys.auditor));
  await close(page);
});

test('a key that is revoked meanwhile leads back to signing in', async () => {
  const made = await (await server.call('admin', '/api/v1/keys', { method: 'POST', body: JSON.stringify({ roles: ['auditor'] }), headers: { 'Content-Type': 'application/json' } })).json();
  const page = await open(browser, server, null, '/signin');
  await signIn(page, made.key);
  await server.call('admin', `/api/v1/keys/${made.id}`, { method: 'DELETE' });
  await page.getByRole('button', { name: 'Refresh' }).click();
  await page.getByRole('heading', { name: 'Sign in to Sealog' }).waitFor();
  await close(page);
});
