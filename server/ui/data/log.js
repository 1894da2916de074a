// A log as a page holds it: the list of entries for the filter, which of them is open, where the cursor stands, the tail.

import { useEffect, useMemo, useRef, useState, useSignal } from '../html.js';
import { ask } from './api.js';
import { change, parameters } from './location.js';
import { createList } from './list.js';
import { createTail } from './tail.js';
import { keyOf, parseKey } from './entry.js';
import { withoutTime, withoutOrder } from './filter.js';

const SUMS_MS = 10_000;

const fetchEntries = (filter) => ({ cursor, limit, signal }) =>
  ask('entries', { values: { ...filter, limit, cursor }, signal }).then(({ entries, next, problems }) => ({ rows: entries, next, problems }));

/** Follows `filter`; `isLive` joins what arrives to the top, as long as nobody reads further down. */
export function useLog(filter, { isLive = false } = {}) {
  const key = JSON.stringify(filter);
  const latest = useRef(filter);
  latest.current = filter;
  const list = useMemo(() => createList((page) => fetchEntries(latest.current)(page)), []);
  const pending = useSignal([]);
  const arrived = useSignal(0);
  const version = useSignal(0);
  const isAtTop = useRef(true);
  const isHeld = useRef(false);
  const hasArrived = useRef(false);
  const tail = useMemo(() => createTail((rows) => {
    hasArrived.current = true;
    if (isAtTop.current && !isHeld.current) {
      list.prepend(rows);
      return;
    }
    arrived.value += rows.length;
    pending.value = [...rows, ...pending.value].slice(0, 500);
  }), []);

  useEffect(() => {
    pending.value = [];
    arrived.value = 0;
    list.reset();
  }, [key]);
  const tailKey = isLive ? JSON.stringify(withoutOrder(withoutTime(filter))) : '';
  useEffect(() => {
    if (!isLive) return undefined;
    tail.start(withoutOrder(withoutTime(latest.current)));
    // Chart and facets follow more slowly: each is a question of its own.
    const timer = setInterval(() => {
      if (hasArrived.current && !document.hidden) version.value += 1;
      hasArrived.current = false;
    }, SUMS_MS);
    return () => { clearInterval(timer); tail.stop(); };
  }, [tailKey]);
  useEffect(() => () => list.close(), []);

  return {
    list, tail, arrived, version, isAtTop, isHeld,
    /** Takes in what waited; what overflowed meanwhile is read anew. */
    takePending() {
      if (arrived.value > pending.value.length) list.reset({ keep: true });
      else list.prepend(pending.value);
      pending.value = [];
      arrived.value = 0;
    },
    refresh() {
      pending.value = [];
      arrived.value = 0;
      version.value += 1;
      return list.reset({ keep: true });
    },
  };
}

/** The entry that the address names (`entry=service/seq`), from the list or the server; and the ways to move. */
export function useOpenEntry(list, question = '') {
  const named = parameters().get('entry');
  const [at, render] = useState(-1);
  // Keys may come faster than renders.
  const cursor = useRef(-1);
  const setAt = (to) => { cursor.current = to; render(to); };
  const [entry, setEntry] = useState(null);
  // Another question has other rows: the cursor is nowhere.
  useEffect(() => { if (!parameters().get('entry')) setAt(-1); }, [question]);
  const [problem, setProblem] = useState(null);

  useEffect(() => {
    setProblem(null);
    const place = parseKey(named);
    if (!place) {
      setEntry(null);
      return undefined;
    }
    if (entry && keyOf(entry) === named) return undefined;
    setEntry(null);
    const stop = new AbortController();
    ask(`entries/${encodeURIComponent(place.service)}/${place.seq}`, { signal: stop.signal }).then(setEntry, (error) => { if (error.name !== 'AbortError') setProblem(error); });
    return () => stop.abort();
  }, [named]);

  const open = (row, index) => {
    if (!row) return;
    setEntry(row);
    if (index !== undefined) setAt(index);
    change({ entry: keyOf(row) }, { replace: Boolean(named) });
  };
  const openHere = () => {
    if (named || cursor.current < 0) return false;
    open(list.row(cursor.current), cursor.current);
    return true;
  };
  const isEntryAt = (place) => { const row = list.row(place); return Boolean(row) && keyOf(row) === keyOf(entry); };
  const here = () => (!entry || cursor.current >= 0 && isEntryAt(cursor.current) ? cursor.current : list.indexOf((row) => keyOf(row) === keyOf(entry)));
  const step = (by) => {
    const to = Math.max(0, Math.min(list.size.value - 1, here() + by));
    const row = list.row(to);
    if (!row) return;
    if (parameters().get('entry')) {
      cursor.current = to;
      open(row, to);
    } else setAt(to);
  };
  const index = here();
  return {
    named, entry, problem, at: named ? index : at, setAt, open, openHere, step,
    close: () => change({ entry: null }),
    hasPrevious: index > 0,
    hasNext: index >= 0 && index < list.size.value - 1,
  };
}
