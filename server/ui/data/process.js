// Processes: lists, one of them, its messages, cancelling.

import { ask } from './api.js';
import { statusName } from '../parts/severity.js';

export const routeOf = (id) => `processes/${encodeURIComponent(id)}`;
export const pageOf = (process) => `/processes/${encodeURIComponent(process.id)}?tenant=${encodeURIComponent(process.tenant)}`;
export const keyOf = (process) => `${process.tenant}/${process.id}`;

export const isOver = (process) => ['finished', 'failed', 'cancelled'].includes(statusName(process.status));

export const fetchProcesses = (filter) => ({ cursor, limit, signal }) =>
  ask('processes', { values: { ...filter, limit, cursor }, signal }).then((answer) => ({ rows: answer.processes, next: answer.next, problems: answer.problems }));

export const fetchMessages = (id, values) => ({ cursor, limit, signal }) =>
  ask(`${routeOf(id)}/messages`, { values: { ...values, order: 'asc', limit, cursor }, signal })
    .then((answer) => ({ rows: answer.entries, next: answer.next, problems: answer.problems }));

/** All messages, page after page; `onProgress(count)`. */
export async function allMessages(id, values, { onProgress = () => {}, signal: stop, most = 200_000 } = {}) {
  const fetchPage = fetchMessages(id, values);
  const rows = [];
  let cursor;
  do {
    const page = await fetchPage({ cursor, limit: 1000, signal: stop });
    rows.push(...page.rows);
    onProgress(rows.length);
    cursor = page.rows.length < 1000 ? null : page.next;
  } while (cursor && rows.length < most);
  return rows;
}

/** Whether it can be cancelled here, and where else. The server knows it for each type of process. */
export function cancelling(process) {
  const isOpen = !isOver(process);
  return { isAllowed: isOpen && process.can_cancel && !process.cancel_requested, link: isOpen ? process.cancel_link ?? null : null };
}

export const cancel = (process) => ask(`${routeOf(process.id)}/cancel`, { method: 'POST', values: { tenant: process.tenant }, body: {} });

export const isConnectionError = (message) => message.attributes?.['error.type'] === 'connection';
