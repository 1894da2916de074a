// What an overview says, from the same questions that the other pages ask.

import { ask } from './api.js';
import { fetchProcesses } from './process.js';
import { toMillis, toText } from './time.js';
import { zone } from './preferences.js';

const DAY = 86_400_000;
const NEWEST = 1_000;

const sum = (buckets) => {
  const all = { total: 0, warning: 0, error: 0 };
  for (const { start, ...counts } of buckets) {
    for (const some of Object.values(counts)) all.total += some;
    all.warning += counts.warning ?? 0;
    all.error += (counts.error ?? 0) + (counts.fatal ?? 0);
  }
  return all;
};

/** This day and the one before it. */
export async function volume(log, stop) {
  const now = Date.now();
  const of = (from, to) => ask('histogram', { values: { log, from: toText(from), to: toText(to), bucket: '1h', tz: zone.peek() }, signal: stop });
  const [day, before] = await Promise.all([of(now - DAY, now), of(now - 2 * DAY, now - DAY)]);
  return { day: sum(day.buckets), before: sum(before.buckets) };
}

export const failing = (log, stop) => ask('facets', { values: { log, field: 'activity', success: 'false', last: '7d', limit: 6 }, signal: stop }).then((found) => found.values);

/** Of the newest records: how long each task takes. */
export async function slowest(stop) {
  const { entries } = await ask('entries', { values: { log: 'customer', last: '7d', limit: NEWEST }, signal: stop });
  const tasks = new Map();
  for (const entry of entries) {
    const took = toMillis(entry.finished) - toMillis(entry.started);
    if (!(took >= 0)) continue;
    if (!tasks.has(entry.activity)) tasks.set(entry.activity, []);
    tasks.get(entry.activity).push(took);
  }
  return [...tasks].map(([activity, times]) => {
    times.sort((a, b) => a - b);
    return { activity, count: times.length, median: times[Math.floor((times.length - 1) / 2)], longest: times.at(-1) };
  }).sort((a, b) => b.median - a.median).slice(0, 6);
}

const REPORT = /report|digest|backup|notification|check/i;

/** Tasks that ran on most of the seven days before, and not in the last 24 hours. */
export async function missed(log, stop) {
  const now = Date.now();
  const { values } = await ask('facets', { values: { log, field: 'activity', last: '8d', limit: 100 }, signal: stop });
  const regular = values.filter(({ value }) => REPORT.test(value)).slice(0, 12);
  const runs = await Promise.all(regular.map(async ({ value }) => {
    const { buckets } = await ask('histogram', { values: { log, activity: value, from: toText(now - 8 * DAY), to: toText(now), bucket: '1h', tz: zone.peek() }, signal: stop });
    const days = new Array(8).fill(0);
    let last = NaN;
    for (const { start, ...counts } of buckets) {
      const some = Object.values(counts).reduce((all, one) => all + one, 0);
      if (!some) continue;
      last = toMillis(start);
      days[Math.max(0, Math.min(7, Math.floor((now - last) / DAY)))] += some;
    }
    return { activity: value, today: days[0], before: days.slice(1).filter(Boolean).length, last };
  }));
  return { watched: runs.filter((run) => run.before >= 5), missing: runs.filter((run) => run.before >= 5 && !run.today) };
}

const list = (values, stop) => fetchProcesses(values)({ limit: 100, signal: stop }).then(({ rows }) => rows);

export async function processes(stop) {
  const [open, failed, recent] = await Promise.all([
    list({ status: ['running', 'cancel_requested'] }, stop), list({ status: 'failed', last: '7d' }, stop), list({ last: '7d', status: 'finished' }, stop),
  ]);
  const took = (process) => toMillis(process.finished) - toMillis(process.started);
  return { open, failed, slow: recent.filter((process) => process.finished).sort((a, b) => took(b) - took(a)).slice(0, 6).map((process) => ({ ...process, took: took(process) })) };
}
