// Entries as pages speak of them.

export const keyOf = (entry) => `${entry.service}/${entry.seq}`;

export function parseKey(text) {
  const at = text?.lastIndexOf('/') ?? -1;
  if (at < 1 || !/^\d+$/.test(text.slice(at + 1))) return null;
  return { service: text.slice(0, at), seq: text.slice(at + 1) };
}

/** A person or a thing, by name where there is one; the ID is always shown beside it in details. */
export const actorOf = (entry) => entry.actor?.name || entry.actor?.id || entry.actor?.type || '';
export const itemOf = (entry) => entry.object?.name || entry.object?.id || '';

/** When it was made; `isFallback` marks that only the time of the commit is known. */
export function generatedAt(entry) {
  return { at: entry.generated_at ?? entry.logged_at, isFallback: !entry.generated_at };
}

export const routeOf = (entry) => `entries/${encodeURIComponent(entry.service)}/${entry.seq}`;
