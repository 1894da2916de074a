// What is asked of entries: the words of the address are the words of the API, and so those of the command line.

import { parameters } from './location.js';
import { parseLast, toText } from './time.js';

const MULTIPLE = ['tenant', 'organization', 'service', 'activity', 'actor_id', 'object_id', 'request_id', 'configuration_id', 'process', 'success'];
const SINGLE = ['severity', 'min_severity', 'search', 'item', 'from', 'to', 'last', 'by', 'log', 'order'];

export const NAMES = {
  tenant: 'Customer', organization: 'Organization', service: 'Service', activity: 'Activity', actor_id: 'Actor ID', object_id: 'Object ID',
  request_id: 'Request ID', configuration_id: 'Configuration', process: 'Process', success: 'Success', severity: 'Severity',
  min_severity: 'Minimum severity', search: 'Search', item: 'Item',
};

/** The filter in the address, with `defaults` for what it does not say. */
export function filterOf(defaults = {}, from = parameters()) {
  const filter = { ...defaults };
  for (const name of MULTIPLE) if (from.has(name)) filter[name] = from.getAll(name).filter(Boolean);
  for (const name of SINGLE) if (from.get(name)) filter[name] = from.get(name);
  if (filter.from || filter.to) delete filter.last;
  else if (filter.last && !parseLast(filter.last)) filter.last = defaults.last;
  return filter;
}

/** Half-open bounds in milliseconds; `now` closes a window that has no end. */
export function windowOf(filter, now = Date.now()) {
  if (filter.from || filter.to) {
    const to = filter.to ? Date.parse(filter.to) : now;
    return { from: filter.from ? Date.parse(filter.from) : to - 7 * 86_400_000, to };
  }
  const last = parseLast(filter.last);
  return { from: now - (last?.millis ?? 86_400_000), to: now };
}

export const withoutOrder = ({ order, ...rest }) => rest;
export const withoutTime = ({ from, to, last, ...rest }) => rest;

/** The parameters that a brush over a histogram sets. `last` stays in the address for the way back; the times go before it. */
export const zoomTo = (from, to) => ({ from: toText(from), to: toText(to), entry: null });

/** Widths that clocks show, and that the server takes. */
const WIDTHS = [
  ['1s', 1e3], ['5s', 5e3], ['10s', 1e4], ['30s', 3e4], ['1m', 6e4], ['5m', 3e5], ['10m', 6e5], ['30m', 1.8e6], ['1h', 3.6e6], ['2h', 7.2e6],
  ['3h', 1.08e7], ['6h', 2.16e7], ['12h', 4.32e7], ['1d', 8.64e7], ['7d', 6.048e8], ['28d', 2.4192e9],
];

/** The narrowest width that needs at most `bars` bars. */
export function bucketFor({ from, to }, bars = 96) {
  const [text, millis] = WIDTHS.find(([, width]) => (to - from) / width <= bars) ?? WIDTHS.at(-1);
  return { text, millis };
}
