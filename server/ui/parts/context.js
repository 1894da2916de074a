// What stood before and after an entry in its service's chain, and what else belongs to its request.

import { html, useEffect, useState } from '../html.js';
import { ask } from '../data/api.js';
import { keyOf } from '../data/entry.js';
import { pieces } from '../data/time.js';
import { Severity } from './severity.js';
import { Loading, Failure } from './state.js';

const AROUND = 8;

/** Bounds are half-open, so the next nanosecond closes a window behind a time. */
function justAfter(text) {
  const [, head, digits] = /^(.*\.)(\d{1,9})Z$/.exec(text) ?? [];
  if (!head) return text;
  const next = (BigInt(digits.padEnd(9, '0')) + 1n).toString().padStart(9, '0');
  return next.length > 9 ? text : `${head}${next}Z`;
}

async function around(entry, log, stop) {
  const values = { log, service: entry.service };
  const [before, after, request] = await Promise.all([
    ask('entries', { values: { ...values, order: 'desc', to: justAfter(entry.logged_at), limit: 40 }, signal: stop }),
    ask('entries', { values: { ...values, order: 'asc', from: entry.logged_at, limit: 40 }, signal: stop }),
    entry.request_id ? ask('entries', { values: { log, request_id: entry.request_id, order: 'asc', limit: 50 }, signal: stop }) : { entries: [] },
  ]);
  const older = before.entries.filter((one) => one.seq < entry.seq).slice(0, AROUND).reverse();
  const newer = after.entries.filter((one) => one.seq > entry.seq).slice(0, AROUND);
  return { chain: [...older, entry, ...newer], request: request.entries };
}

function Lines({ rows, entry, onOpen, isNamed }) {
  return html`<ol class="context">${rows.map((row) => {
    const time = pieces(row.logged_at);
    const isIt = keyOf(row) === keyOf(entry);
    return html`<li key=${keyOf(row)}><button class=${isIt ? 'here' : ''} aria-current=${isIt ? 'true' : undefined} onClick=${() => onOpen(row)}>
      <span class="num time">${time.clock}.${time.fraction}</span><${Severity} of=${row.severity} isBrief=${true} /><span class="what"><b>${row.activity}</b> ${isNamed ? html`<em>${row.service}</em> ` : ''}${row.message ?? ''}</span></button></li>`;
  })}</ol>`;
}

export function Context({ entry, log, onOpen }) {
  const [found, setFound] = useState(null);
  const [problem, setProblem] = useState(null);
  useEffect(() => {
    const stop = new AbortController();
    setFound(null);
    setProblem(null);
    around(entry, log, stop.signal).then(setFound, (error) => { if (error.name !== 'AbortError') setProblem(error); });
    return () => stop.abort();
  }, [keyOf(entry), log]);
  if (problem) return html`<${Failure} problem=${problem} />`;
  if (!found) return html`<${Loading} label="Reading around the entry" />`;
  return html`<h3>Before and after in ${entry.service}</h3><${Lines} rows=${found.chain} entry=${entry} onOpen=${onOpen} />
    ${entry.request_id ? html`<h3>The same request <span class="hint">${found.request.length} here</span></h3><${Lines} rows=${found.request} entry=${entry} onOpen=${onOpen} isNamed=${true} />` : null}`;
}
