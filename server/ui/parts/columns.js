// Cells that more than one log has.

import { html } from '../html.js';
import { pieces } from '../data/time.js';
import { generatedAt } from '../data/entry.js';

/** A time with its date quiet and its clock plain. A time that stands in for one that was not given says so. */
export function TimeCell({ at, isFallback = false, hasFraction = true }) {
  const time = pieces(at);
  if (!time) return html`<span class="none">–</span>`;
  return html`<time class="num time" datetime=${at} title=${isFallback ? `${at}: logged then; the producer gave no time` : at}><span class="date">${time.date}</span> <span class="clock">${time.clock}</span>${hasFraction ? html`<span class="fraction">.${time.fraction}</span>` : null}${isFallback ? html`<sup aria-label="logged at">L</sup>` : null}</time>`;
}

export const Generated = ({ entry }) => {
  const { at, isFallback } = generatedAt(entry);
  return html`<${TimeCell} at=${at} isFallback=${isFallback} />`;
};
