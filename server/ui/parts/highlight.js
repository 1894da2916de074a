// Marks in a text what was searched for, as the search finds it: without regard to case.

import { html } from '../html.js';

export function Highlight({ text, find }) {
  if (!text || !find) return text ?? null;
  const pieces = [];
  const low = text.toLowerCase();
  const needle = find.toLowerCase();
  // Where lower case has another length, places would not be those of the text.
  if (low.length !== text.length) return text;
  let from = 0;
  for (let at = low.indexOf(needle); at >= 0 && pieces.length < 40; at = low.indexOf(needle, from)) {
    pieces.push(text.slice(from, at), html`<mark>${text.slice(at, at + needle.length)}</mark>`);
    from = at + needle.length;
  }
  pieces.push(text.slice(from));
  return pieces;
}
