// A list of any length, fetched page by page through cursors. Pages that are far from what is seen are forgotten and fetched
// again by their cursor, so that memory stays flat however far one scrolls. Rows that arrive live stand above the first page.

import { signal, batch } from '../html.js';

const FIRST = 100;
const LATER = 400;
const KEPT = 12;
export const ROWS_MAX = 1_000_000;
const LIVE_MAX = 1_000;

/** `fetchPage({cursor, limit, signal})` gives `{rows, next, problems}`; a `next` of null ends the list. */
export function createList(fetchPage) {
  let pages = [];
  let head = [];
  let next = null;
  let isAsked = false;
  let isStale = false;
  let stop = new AbortController();

  const list = {
    /** Rows that can be scrolled to. */
    size: signal(0),
    isWhole: signal(false),
    isLoading: signal(false),
    problem: signal(null),
    /** Damage that the server met on the way. */
    damage: signal([]),
    /** Grows whenever a row changes. */
    version: signal(0),
    /** When what is shown was read. */
    readAt: signal(0),
  };

  const recount = () => {
    list.size.value = head.length + pages.reduce((sum, page) => sum + page.size, 0);
    list.version.value += 1;
  };

  async function loadNext() {
    if (isAsked || list.isWhole.value) return;
    isAsked = true;
    list.isLoading.value = true;
    const mine = stop;
    const cursor = next;
    const limit = cursor === null ? FIRST : LATER;
    try {
      const page = await fetchPage({ cursor, limit, signal: mine.signal });
      if (mine !== stop) return;
      batch(() => {
        if (isStale) {
          pages = [];
          head = [];
          isStale = false;
        }
        if (page.rows.length || !pages.length) pages.push({ cursor, limit, size: page.rows.length, rows: page.rows });
        next = page.next;
        list.readAt.value = Date.now();
        list.problem.value = null;
        if (page.problems?.length) list.damage.value = [...list.damage.value, ...page.problems];
        // An ascending page always has a cursor, for polling: a short one is the end for now.
        const isEnd = next === null || next === undefined || page.rows.length < limit;
        recount();
        list.isWhole.value = isEnd || list.size.value >= ROWS_MAX;
      });
    } catch (problem) {
      if (mine !== stop || problem.name === 'AbortError') return;
      batch(() => {
        if (isStale) {
          pages = [];
          head = [];
          isStale = false;
          recount();
        }
        list.problem.value = problem;
      });
    } finally {
      if (mine === stop) {
        isAsked = false;
        list.isLoading.value = false;
      }
    }
  }

  async function loadAgain(page) {
    page.isAsked = true;
    const mine = stop;
    try {
      const { rows } = await fetchPage({ cursor: page.cursor, limit: page.limit, signal: mine.signal });
      if (mine !== stop) return;
      page.rows = rows.slice(0, page.size);
      list.version.value += 1;
    } catch (problem) {
      if (mine === stop && problem.name !== 'AbortError') list.problem.value = problem;
    } finally {
      page.isAsked = false;
    }
  }

  function find(index) {
    let from = head.length;
    for (const page of pages) {
      if (index < from + page.size) return { page, at: index - from };
      from += page.size;
    }
    return null;
  }

  /** The row, or undefined while it is fetched. */
  list.row = (index) => {
    if (index < head.length) return head[index];
    const place = find(index);
    return place?.page.rows?.[place.at];
  };

  /** Says which rows are seen: fetches what is missing, forgets what is far. */
  list.see = (first, last) => {
    if (isStale) return;
    const seen = new Set([find(first)?.page, find(last)?.page]);
    for (const page of seen) if (page && !page.rows && !page.isAsked) loadAgain(page);
    if (last > list.size.value - LATER / 2 && !list.problem.value) loadNext();
    const middle = pages.indexOf(find(first)?.page);
    if (pages.length > KEPT && middle >= 0) {
      pages.forEach((page, at) => {
        if (Math.abs(at - middle) > KEPT / 2 && !seen.has(page)) page.rows = null;
      });
    }
  };

  list.indexOf = (isIt) => {
    for (let index = 0; index < list.size.value; index += 1) {
      const row = list.row(index);
      if (row && isIt(row)) return index;
    }
    return -1;
  };

  /** Reads anew from the first page; what is shown stays until the answer is there. */
  list.reset = ({ keep = false } = {}) => {
    stop.abort();
    stop = new AbortController();
    isAsked = false;
    next = null;
    batch(() => {
      list.isWhole.value = false;
      list.problem.value = null;
      list.damage.value = [];
      if (keep) {
        isStale = true;
      } else {
        isStale = false;
        pages = [];
        head = [];
        recount();
      }
    });
    return loadNext();
  };

  list.retry = () => {
    list.problem.value = null;
    return loadNext();
  };

  /** Newest first. A head that grew long is read anew, which at the top nobody sees. */
  list.prepend = (rows) => {
    if (head.length + rows.length > LIVE_MAX) return list.reset({ keep: true });
    head = [...rows, ...head];
    recount();
    return null;
  };

  /** Whether something was added behind what was the end. Ascending lists have a cursor there; without one all is read anew. */
  list.poll = () => {
    if (!list.isWhole.value || isAsked || list.problem.value) return null;
    if (next === null || next === undefined) return list.reset({ keep: true });
    list.isWhole.value = false;
    return loadNext();
  };

  list.close = () => stop.abort();
  return list;
}
