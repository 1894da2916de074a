// Numbers over time: the server's buckets as bars of a chart.

import { ask } from './api.js';
import { boxOf, CLASSES } from './severity.js';
import { bucketFor, windowOf, withoutOrder } from './filter.js';
import { toMillis } from './time.js';
import { zone } from './preferences.js';

/** `{bars: [{start, information, warning, error, total}], width, window}`: the server gives every bucket of the window, empty ones too. */
export async function histogram(filter, { bars: most, signal: stop } = {}) {
  const window = windowOf(filter);
  const bucket = bucketFor(window, most);
  const { buckets } = await ask('histogram', { values: { ...withoutOrder(filter), bucket: bucket.text, tz: zone.peek() }, signal: stop });
  const bars = buckets.map((found) => {
    const bar = { start: toMillis(found.start), information: 0, warning: 0, error: 0, total: 0 };
    for (const name of CLASSES) {
      bar[boxOf(name)] += found[name] ?? 0;
      bar.total += found[name] ?? 0;
    }
    return bar;
  });
  return { bars, width: bucket.millis, window };
}
