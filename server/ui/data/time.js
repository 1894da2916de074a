// Times: RFC 3339 with nine digits as the server gives them, shown in one zone. Milliseconds are for placing, the text is the truth.

import { zone } from './preferences.js';

export const toMillis = (text) => (text ? Date.parse(text.replace(/(\.\d{3})\d*Z$/, '$1Z')) : NaN);
export const toText = (millis) => new Date(millis).toISOString();

const formats = new Map();

function format(name) {
  if (!formats.has(name)) {
    formats.set(name, new Intl.DateTimeFormat('en-CA', {
      timeZone: name, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
    }));
  }
  return formats.get(name);
}

/** Wall-clock parts in the zone: `{year: '2026', month: '11', …}`. */
export function parts(millis, name = zone.value) {
  const found = {};
  for (const { type, value } of format(name).formatToParts(millis)) found[type] = value;
  return found;
}

export const date = (millis, name) => {
  const p = parts(millis, name);
  return `${p.year}-${p.month}-${p.day}`;
};

export const clock = (millis, name) => {
  const p = parts(millis, name);
  return `${p.hour}:${p.minute}:${p.second}`;
};

const fraction = (text) => /\.(\d+)/.exec(text)?.[1] ?? '';

/** For rows: date, clock and milliseconds apart, so that columns line up. */
export function pieces(text) {
  const millis = toMillis(text);
  if (Number.isNaN(millis)) return null;
  return { date: date(millis), clock: clock(millis), fraction: fraction(text).padEnd(3, '0').slice(0, 3) };
}

export function short(text) {
  const p = pieces(text);
  return p ? `${p.date} ${p.clock}` : '';
}

/** Whole: all digits that were sent, and the offset from UTC. */
export function whole(text) {
  const millis = toMillis(text);
  if (Number.isNaN(millis)) return '';
  const digits = fraction(text).replace(/0+$/, '').padEnd(3, '0');
  return `${date(millis)} ${clock(millis)}.${digits} ${offset(millis)}`;
}

function offsetMinutes(millis, name = zone.value) {
  const p = parts(millis, name);
  const wall = Date.UTC(p.year, p.month - 1, p.day, p.hour, p.minute, p.second);
  return Math.round((wall - Math.floor(millis / 1000) * 1000) / 60000);
}

export function offset(millis, name) {
  const minutes = offsetMinutes(millis, name);
  if (minutes === 0) return 'UTC';
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? '−' : '+'}${String(Math.floor(size / 60)).padStart(2, '0')}:${String(size % 60).padStart(2, '0')}`;
}

/** `2026-11-22T14:05` of a form's field, read in the zone. */
export function fromField(text, name = zone.value) {
  if (!text) return null;
  const wall = Date.parse(`${text.length === 10 ? `${text}T00:00` : text}Z`);
  if (Number.isNaN(wall)) return null;
  const first = wall - offsetMinutes(wall, name) * 60000;
  return wall - offsetMinutes(first, name) * 60000;
}

export function toField(millis, name = zone.value) {
  const p = parts(millis, name);
  return `${p.year}-${p.month}-${p.day}T${p.hour}:${p.minute}:${p.second}`;
}

export const UNITS = [
  { letter: 'm', one: 'minute', many: 'minutes', millis: 60_000 },
  { letter: 'h', one: 'hour', many: 'hours', millis: 3_600_000 },
  { letter: 'd', one: 'day', many: 'days', millis: 86_400_000 },
  { letter: 'w', one: 'week', many: 'weeks', millis: 604_800_000 },
];

export function parseLast(text) {
  const found = /^(\d{1,6})([mhdw])$/.exec(text ?? '');
  if (!found || found[1] === '0') return null;
  const unit = UNITS.find((one) => one.letter === found[2]);
  return { count: Number(found[1]), unit, millis: Number(found[1]) * unit.millis };
}

/** `250 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`: two steps of precision are what people compare. */
export function duration(millis) {
  if (!Number.isFinite(millis)) return '';
  if (millis < 0) return '–';
  if (millis < 1000) return `${Math.round(millis)} ms`;
  if (millis < 60_000) return `${(millis / 1000).toFixed(millis < 10_000 ? 1 : 0)} s`;
  if (millis < 3_600_000) return `${Math.floor(millis / 60_000)} min ${Math.floor((millis % 60_000) / 1000)} s`;
  if (millis < 86_400_000) return `${Math.floor(millis / 3_600_000)} h ${Math.floor((millis % 3_600_000) / 60_000)} min`;
  return `${Math.floor(millis / 86_400_000)} d ${Math.floor((millis % 86_400_000) / 3_600_000)} h`;
}

export function ago(text, now = Date.now()) {
  const past = now - toMillis(text);
  if (!Number.isFinite(past)) return '';
  return past < 1000 ? 'just now' : `${duration(past)} ago`;
}
