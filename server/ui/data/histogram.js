// Numbers over time, from the server's buckets to bars without gaps.

import { ask } from './api.js';
import { boxOf, CLASSES } from './severity.js';
import { bucketFor, windowOf, withoutOrder } from './filter.js';
import { floorTo, toMillis } from './time.js';
import { zone } from './preferences.js';

/** `{bars: [{start, information, warning, error, total}], width, window}` */
export async function histogram(filter, { bars, signal: stop } = {}) {
  const now = Date.now();
  const window = windowOf(filter, now);
  const bucket = bucketFor(window, bars);
  const { buckets } = await ask('histogram', { values: { ...withoutOrder(filter), bucket: bucket.text, tz: zone.peek() }, signal: stop });
  return { bars: fill(buckets, window, bucket.millis), width: bucket.millis, window };
}

function fill(buckets, { from, to }, width) {
  const start = floorTo(from, width);
  const size = Math.max(1, Math.min(400, Math.ceil((to - start) / width)));
  const bars = Array.from({ length: size }, (_, at) => ({ start: start + at * width, information: 0, warning: 0, error: 0, total: 0 }));
  for (const bucket of buckets ?? []) {
    // A day on which clocks were changed has another length; its bar is the nearest.
    const at = Math.round((toMillis(bucket.start) - start) / width);
    const bar = bars[Math.max(0, Math.min(size - 1, at))];
    for (const name of CLASSES) {
      const some = bucket[name] ?? 0;
      bar[boxOf(name)] += some;
      bar.total += some;
    }
  }
  return bars;
}
