// A virtual list: a grid of which only the seen rows exist. The cursor is moved by keys; a row is opened by Enter or a click.

import { html, useEffect, useLayoutEffect, useRef, useState, signal } from '../html.js';
import { count } from '../data/number.js';
import { Failure, Skeleton } from './state.js';
import { ROWS_MAX } from '../data/list.js';

const narrow = window.matchMedia('(max-width: 719px)');
export const isNarrow = signal(narrow.matches);
narrow.addEventListener('change', () => { isNarrow.value = narrow.matches; });

const OVERSCAN = 12;

/** `columns`: `{name, label, class, cell(row)}`. `empty` stands where nothing was found. `at` is the cursor's row, or -1. */
export function Rows({ list, columns, label, keyOf, at, onMove, onOpen, openKey, empty, onScroll, narrowHeight = 64, rowHeight = 32, kind, rowClass = () => '' }) {
  const box = useRef(null);
  const [place, setPlace] = useState({ top: 0, height: 600 });
  const high = isNarrow.value ? narrowHeight : rowHeight;
  const size = list.size.value;
  list.version.value;
  const first = Math.max(0, Math.floor(place.top / high) - OVERSCAN);
  const last = Math.min(size - 1, Math.ceil((place.top + place.height) / high) + OVERSCAN);

  useLayoutEffect(() => {
    const watch = new ResizeObserver(() => setPlace({ top: box.current.scrollTop, height: box.current.clientHeight }));
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  useEffect(() => { list.see(first, last); }, [first, last, size, list.isLoading.value]);

  useLayoutEffect(() => {
    if (at < 0 || !box.current) return;
    const top = at * high;
    const head = box.current.querySelector('.rows-head')?.offsetHeight ?? 0;
    if (top < box.current.scrollTop) box.current.scrollTop = top;
    else if (top + high > box.current.scrollTop + box.current.clientHeight - head) box.current.scrollTop = top + high - box.current.clientHeight + head;
  }, [at, high]);

  const scrolled = () => {
    setPlace({ top: box.current.scrollTop, height: box.current.clientHeight });
    onScroll?.(box.current.scrollTop);
  };
  const keyed = (event) => {
    const page = Math.max(1, Math.floor(place.height / high) - 1);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: size - 1 }[event.key];
    if (to !== undefined && size) {
      event.preventDefault();
      onMove(Math.max(0, Math.min(size - 1, to)));
    } else if (event.key === 'Enter' && at >= 0 && event.target === box.current) {
      event.preventDefault();
      onOpen(list.row(at), at);
    }
  };

  const seen = [];
  for (let index = first; index <= last; index += 1) {
    const row = list.row(index);
    const key = row ? keyOf(row) : `gap-${index}`;
    seen.push(html`<div key=${key} id=${`${kind}-${index}`} role="row" aria-rowindex=${index + 2} aria-selected=${index === at || (row && openKey === key) ? 'true' : 'false'}
      class=${`row ${index === at ? 'at' : ''} ${row && openKey === key ? 'open' : ''} ${row ? rowClass(row) : 'gap'}`} style=${{ transform: `translateY(${index * high}px)`, height: `${high}px` }}
      onClick=${(event) => { if (row && !event.target.closest('a, button') && !String(window.getSelection())) onOpen(row, index); }}>
      ${columns.map((column) => html`<div key=${column.name} role="gridcell" class=${`cell ${column.class ?? ''}`}>${row ? column.cell(row, index) : html`<i class="bone"></i>`}</div>`)}
    </div>`);
  }

  const isFirstLoad = list.isLoading.value && size === 0;
  return html`<div class="rows-frame">
    <div ref=${box} class=${`rows ${kind}`} role="grid" aria-label=${label} aria-rowcount=${list.isWhole.value ? size + 1 : -1} aria-busy=${list.isLoading.value} tabindex="0"
      aria-activedescendant=${at >= first && at <= last ? `${kind}-${at}` : undefined} onScroll=${scrolled} onKeyDown=${keyed}>
      <div class="rows-head" role="row" aria-rowindex="1">${columns.map((column) => html`<div key=${column.name} role="columnheader" class=${`cell ${column.class ?? ''}`} aria-sort=${column.sort}>${column.head ?? column.label}</div>`)}</div>
      <div class="rows-body" role="rowgroup" style=${{ height: `${size * high}px` }}>${seen}</div>
    </div>
    ${isFirstLoad ? html`<${Skeleton} />` : null}
    ${!size && list.isWhole.value && !list.problem.value ? html`<div class="rows-note">${empty}</div>` : null}
    ${list.problem.value ? html`<div class="rows-note ${size ? 'low' : ''}"><${Failure} problem=${list.problem.value} onRetry=${list.retry} /></div>` : null}
    ${size >= ROWS_MAX ? html`<div class="rows-note low">${count(size)} rows are as far as this list goes: narrow the timeframe, or reverse the order.</div>` : null}
  </div>`;
}
