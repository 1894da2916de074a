// Readable names for IDs, asked for in batches and kept while the page is open. A name is convenience: the ID stays beside it.

import { signal } from '../html.js';
import { ask } from './api.js';

const BATCH = 200;

/** Customer and ID → name, or '' where the directory has none. The same ID may name two things of two customers. */
export const names = signal(new Map());

/** What in a text looks like an ID: UUIDs, and a short prefix with a number. */
const ID = /\b(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[a-z]{1,6}-\d{1,12})\b/g;

export const idsIn = (text) => [...new Set((text ?? '').match(ID) ?? [])];

/** Splits a text at its IDs: `[text, id, text, id, …]`, IDs at odd places. */
export function splitAtIds(text) {
  const pieces = [];
  let from = 0;
  for (const found of (text ?? '').matchAll(ID)) {
    pieces.push(text.slice(from, found.index), found[0]);
    from = found.index + found[0].length;
  }
  pieces.push((text ?? '').slice(from));
  return pieces;
}

/** The IDs of an entry: those that have fields, and those in its message. */
export function idsOf(entry) {
  return [entry.actor?.id, entry.object?.id, entry.configuration_id, ...idsIn(entry.message)].filter(Boolean);
}

const keyOf = (tenant, id) => `${tenant ?? ''}\n${id}`;

export const nameFor = (tenant, id) => names.value.get(keyOf(tenant, id));

/** `onProgress(done, all)` after each batch. */
export async function resolve(ids, { tenant, onProgress = () => {}, signal: stop } = {}) {
  const missing = [...new Set(ids)].filter((id) => !nameFor(tenant, id));
  onProgress(0, missing.length);
  for (let from = 0; from < missing.length; from += BATCH) {
    const some = missing.slice(from, from + BATCH);
    const { names: found } = await ask('resolve', { body: { ids: some, tenant }, signal: stop });
    const known = new Map(names.value);
    for (const id of some) known.set(keyOf(tenant, id), found?.[id] ?? '');
    names.value = known;
    onProgress(Math.min(from + BATCH, missing.length), missing.length);
  }
  return missing.length;
}
