// A validation run: the report of the server, with how far it is on the way there.

import { events } from './api.js';

/** `services` empty means all. `onProgress({bytes, bytes_total})`; gives the report. */
export async function verify({ last, from, to, services = [] }, { onProgress = () => {}, signal: stop } = {}) {
  const body = last ? { last } : { ...(from ? { from } : {}), ...(to ? { to } : {}) };
  if (services.length) body.services = services;
  let report = null;
  for await (const event of events('verify', { body, signal: stop })) {
    if (isReport(event.data)) report = event.data;
    else if (event.name === 'problem') throw Object.assign(new Error(event.data.detail ?? event.data.title), event.data);
    else onProgress(event.data);
  }
  if (!report) throw new Error('The server ended the validation without a report. Try again, or run “sealog verify” beside the store.');
  return report;
}

const isReport = (data) => Array.isArray(data?.chains) && typeof data.valid === 'boolean';

export const problemsOf = (report) => [
  ...(report.problems ?? []).map((problem) => ({ service: '', ...problem })),
  ...report.chains.flatMap((chain) => (chain.problems ?? []).map((problem) => ({ service: chain.service, ...problem }))),
];

/** What each kind of problem means, for people who do not know the format. */
export const KINDS = {
  altered: 'An entry is not the one that was logged.', missing: 'Entries that were logged are not there.', extra: 'There are entries that were never logged.',
  reordered: 'Entries stand in another order than that in which they were logged.', duplicate: 'An entry is there more than once.', foreign: 'A part belongs to another log.',
  time: 'Times of commit run backwards.', rollback: 'The log is older than a checkpoint that was kept.', chain_missing: 'A whole chain is not there.',
  segment_missing: 'A file of the chain is not there.', cleared_without_order: 'Entries were erased, and no order to clear says so.',
  cleared_still_present: 'Entries that an order cleared are still there.', tenant_gap: 'A customer’s line has a hole.', index: 'An index does not say what the entries say.',
  checksum: 'Bytes on the disk changed.', signature: 'A signature does not hold.', artifact: 'A file that an entry names is not the one that was stored.',
};
