// Follows a log: entries as they are committed, handed on a few times a second so that a busy log cannot flood the page.

import { signal } from '../html.js';
import { address, ask } from './api.js';

const EVERY_MS = 250;
const HELD_MAX = 500;

/** `take(rows)` gets the newest first. `state` is one of off, connecting, on, lost. */
export function createTail(take) {
  const tail = { state: signal('off'), left: signal(0) };
  let source = null;
  let held = [];
  let timer = null;

  function flush() {
    timer = null;
    const rows = held;
    held = [];
    if (rows.length) take(rows);
  }

  function hold(entry) {
    held.unshift(entry);
    if (held.length > HELD_MAX) held.length = HELD_MAX;
    timer ??= setTimeout(flush, EVERY_MS);
  }

  tail.start = (filter) => {
    tail.stop();
    tail.state.value = 'connecting';
    source = new EventSource(address('tail', filter));
    const mine = source;
    source.onopen = () => { if (mine === source) tail.state.value = 'on'; };
    source.onmessage = (event) => {
      const entry = JSON.parse(event.data);
      if (entry.service) hold(entry);
    };
    source.addEventListener('dropped', () => { tail.left.value += 1; });
    source.onerror = () => {
      if (mine !== source) return;
      tail.state.value = source.readyState === EventSource.CLOSED ? 'lost' : 'connecting';
      // A stream says nothing of a status: whether the key still holds is learnt by asking.
      if (source.readyState === EventSource.CLOSED) ask('me').catch(() => {});
    };
  };

  tail.stop = () => {
    source?.close();
    source = null;
    clearTimeout(timer);
    timer = null;
    held = [];
    tail.state.value = 'off';
  };

  return tail;
}
