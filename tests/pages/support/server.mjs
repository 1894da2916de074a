// A store with known entries, a server on it, and a key for each role. $SEALOG_BIN names the program; $SEALOG_UI pages to serve instead of its own.

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { entries, processes } from './seed.mjs';

export const ROOT = path.resolve(import.meta.dirname, '../../..');
const PROGRAM = process.env.SEALOG_BIN ?? path.join(ROOT, 'target/release/sealog');

const sealog = (...args) => execFileSync(PROGRAM, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 28 });

const KEYS = {
  auditor: ['--role', 'auditor'],
  admin: ['--role', 'admin'],
  customer: ['--role', 'customer', '--tenant', 'acme-corp'],
  two: ['--role', 'customer', '--tenant', 'acme-corp', '--tenant', 'northwind-group'],
  limited: ['--role', 'customer', '--tenant', 'acme-corp', '--organization', 'Berlin'],
  producer: ['--role', 'producer'],
  all: ['--role', 'auditor', '--role', 'admin', '--role', 'customer', '--tenant', 'acme-corp'],
};

export async function start({ generated = 1500 } = {}) {
  const directory = mkdtempSync(path.join(tmpdir(), 'sealog-pages-'));
  const data = path.join(directory, 'store');
  const file = path.join(directory, 'entries.ndjson');
  sealog('init', '--data', data, '--name', 'pages.example');
  if (generated) {
    writeFileSync(file, sealog('generate', '--entries', String(generated), '--seed', '11', '--days', '2'));
    sealog('append', '--data', data, file);
  }
  writeFileSync(file, [...entries(), ...processes()].map((entry) => JSON.stringify(entry)).join('\n'));
  sealog('append', '--data', data, '--batch', '1', file);
  const keys = {};
  for (const [name, args] of Object.entries(KEYS)) keys[name] = sealog('key', 'new', '--data', data, ...args).trim();
  const configuration = path.join(directory, 'sealog.toml');
  writeFileSync(configuration, CONFIGURATION);
  const ui = process.env.SEALOG_UI ? ['--ui-dir', process.env.SEALOG_UI] : [];
  const child = spawn(PROGRAM, ['serve', '--data', data, '--listen', '127.0.0.1:0', '--config', configuration, ...ui], { stdio: ['ignore', 'pipe', 'pipe'] });
  const url = await listening(child);
  const server = {
    url, keys, data, directory,
    call: (key, route, { method = 'GET', body, headers = {} } = {}) => fetch(`${url}${route}`, { method, body, headers: { Authorization: `Bearer ${keys[key] ?? key}`, ...headers } }),
    append: async (...some) => {
      const answer = await server.call('producer', '/api/v1/entries', { method: 'POST', body: JSON.stringify(some), headers: { 'Content-Type': 'application/json' } });
      if (!answer.ok) throw new Error(await answer.text());
      return (await answer.json()).receipts;
    },
    stop: async () => {
      child.kill('SIGTERM');
      await new Promise((gone) => child.once('exit', gone));
      rmSync(directory, { recursive: true, force: true });
    },
  };
  return server;
}

const CONFIGURATION = `
[[process_type]]
activity = "Empty Archive Mailbox"
cancel = false
cancel_link = "/elsewhere/archive-mailboxes"

[[process_type]]
activity = "Directory Service Synchronization"
cancel = true
test_link = "/elsewhere/directory-services/{configuration_id}/test"
`;

/** The address that the server says it listens at. */
function listening(child) {
  return new Promise((found, failed) => {
    let said = '';
    const read = (line) => {
      said += `${line}\n`;
      const address = /https?:\/\/[\w.:[\]-]+:\d+/.exec(line);
      if (address) found(address[0]);
    };
    createInterface({ input: child.stdout }).on('line', read);
    createInterface({ input: child.stderr }).on('line', read);
    child.once('exit', (code) => failed(new Error(`the server ended with ${code}:\n${said}`)));
  });
}

/** Stores a file for a tenant, and an entry that names it. */
export async function withArtifact(server, tenant, entry, name, text) {
  const sha256 = createHash('sha256').update(text).digest('hex');
  const put = await server.call('producer', `/api/v1/artifacts?tenant=${tenant}`, { method: 'PUT', body: text, headers: { 'Content-Type': 'application/octet-stream' } });
  if (!put.ok) throw new Error(`${put.status} ${await put.text()}`);
  return server.append({ ...entry, tenant, artifact: { sha256, name, media_type: 'text/plain', size: text.length } });
}
