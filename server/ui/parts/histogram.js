// Entries over time, stacked by severity. Dragging over it, or Shift and the arrow keys, marks a span; letting go, or Enter, zooms in.

import { html, useEffect, useLayoutEffect, useRef, useState } from '../html.js';
import { histogram } from '../data/histogram.js';
import { BOXES } from '../data/severity.js';
import { brief, count } from '../data/number.js';
import { date, clock } from '../data/time.js';
import { zone } from '../data/preferences.js';

const HIGH = 92;
const FOOT = 18;
const LEFT = 40;

function niceMax(value) {
  if (value <= 4) return 4;
  const step = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 3, 4, 5, 6, 8, 10].map((times) => times * step).find((top) => top >= value);
}

const isMidnight = (bar) => clock(bar.start) === '00:00:00';

/** Marks under the bars: days where the span has several, else clock times that people count in. */
function ticks(bars, width, room) {
  const span = bars.length * width;
  const gap = Math.max(1, Math.ceil((bars.length * 64) / room));
  if (span > 36 * 3_600_000) {
    const days = bars.map((bar, at) => ({ bar, at })).filter(({ bar, at }) => width >= 86_400_000 || (at > 0 && date(bar.start) !== date(bars[at - 1].start)));
    const every = Math.max(1, Math.ceil((days.length * 64) / room));
    return days.filter((_, at) => at % every === 0).map(({ bar, at }) => ({ at, text: date(bar.start).slice(5) }));
  }
  const step = STEPS.find((one) => one % width === 0 && one / width >= gap) ?? width * gap;
  const seconds = (bar) => { const c = clock(bar.start); return Number(c.slice(0, 2)) * 3600 + Number(c.slice(3, 5)) * 60 + Number(c.slice(6)); };
  return bars.map((bar, at) => ({ bar, at })).filter(({ bar }) => seconds(bar) % (step / 1000) === 0)
    .map(({ bar, at }) => ({ at, text: isMidnight(bar) ? date(bar.start).slice(5) : clock(bar.start).slice(0, step < 60_000 ? 8 : 5) }));
}

const STEPS = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200].map((seconds) => seconds * 1000);

function Bars({ data, x, y, at, marked }) {
  const order = ['information', 'warning', 'error'];
  return data.bars.map((bar, index) => {
    let below = 0;
    const isDim = marked && (index < marked[0] || index > marked[1]);
    return html`<g key=${bar.start} class=${`bar ${index === at ? 'at' : ''} ${isDim ? 'dim' : ''}`}>${order.map((name) => {
      if (!bar[name]) return null;
      const top = y(below + bar[name]);
      const tall = Math.max(1, y(below) - top);
      below += bar[name];
      return html`<rect key=${name} class=${name} x=${x(index) + 0.5} y=${top} width=${Math.max(1, x(1) - x(0) - 1.5)} height=${tall} />`;
    })}</g>`;
  });
}

/** `version` changes when the chart should be read anew; `onZoom(from, to)` in milliseconds. */
export function Histogram({ filter, version, onZoom, onTotal }) {
  const box = useRef(null);
  const [room, setRoom] = useState(0);
  const [data, setData] = useState(null);
  const [at, setAt] = useState(-1);
  const [mark, setMark] = useState(null);
  const tz = zone.value;
  const key = JSON.stringify(filter);

  useLayoutEffect(() => {
    const watch = new ResizeObserver(() => setRoom(box.current.clientWidth));
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  const isWide = room > 640;
  useEffect(() => {
    if (!room) return undefined;
    const stop = new AbortController();
    histogram(filter, { bars: isWide ? 120 : 48, signal: stop.signal }).then((found) => {
      setData(found);
      setMark(null);
      setAt(-1);
      onTotal?.(found.bars.reduce((sum, bar) => sum + bar.total, 0));
    }, (problem) => { if (problem.name !== 'AbortError') setData({ problem }); });
    return () => stop.abort();
  }, [key, tz, version, isWide, room > 0]);

  if (!data?.bars?.length) return html`<div ref=${box} class="histogram"><p class="hint">${data?.problem ? `The chart could not be read: ${data.problem.message}` : data ? 'No entries in this timeframe' : ''}</p></div>`;
  const { bars, width } = data;
  const top = niceMax(Math.max(...bars.map((bar) => bar.total)));
  const inside = Math.max(10, room - LEFT);
  const x = (index) => LEFT + (index * inside) / bars.length;
  const y = (value) => 6 + (HIGH - 6) * (1 - value / top);
  const indexAt = (event) => Math.max(0, Math.min(bars.length - 1, Math.floor(((event.clientX - box.current.getBoundingClientRect().left - LEFT) / inside) * bars.length)));
  const marked = mark && [Math.min(...mark), Math.max(...mark)];
  const zoom = ([a, b]) => {
    setMark(null);
    onZoom(Math.max(bars[a].start, a === 0 ? data.window.from : 0), Math.min(bars[b].start + width, Math.max(data.window.to, bars[b].start + 1000)));
  };
  const keyed = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) {
      const to = Math.max(0, Math.min(bars.length - 1, (at < 0 ? (step < 0 ? bars.length : -1) : at) + step));
      setMark(event.shiftKey ? [mark?.[0] ?? Math.max(at, 0), to] : null);
      setAt(to);
    } else if (event.key === 'Enter' && at >= 0) zoom(marked ?? [at, at]);
    else if (event.key === 'Escape' && (mark || at >= 0)) { setMark(null); setAt(-1); } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const shown = at >= 0 ? bars[at] : null;
  const left = shown ? Math.min(Math.max(x(at + 0.5), LEFT + 90), room - 95) : 0;
  const sum = marked ? bars.slice(marked[0], marked[1] + 1).reduce((all, bar) => all + bar.total, 0) : 0;
  return html`<div ref=${box} class="histogram">
    <svg width=${room} height=${HIGH + FOOT} role="application" tabindex="0" aria-label=${`Entries over time, ${bars.length} bars. Arrow keys move, with Shift they mark, Enter zooms.`}
      aria-describedby="chart-says" onKeyDown=${keyed} onBlur=${() => { setAt(-1); setMark(null); }} onPointerLeave=${() => !mark && setAt(-1)}
      onPointerDown=${(event) => { if (event.button) return; event.preventDefault(); event.currentTarget.setPointerCapture(event.pointerId); const here = indexAt(event); setMark([here, here]); setAt(here); }}
      onPointerMove=${(event) => { const here = indexAt(event); if (here !== at) setAt(here); if (mark && event.buttons) setMark([mark[0], here]); }}
      onPointerUp=${() => marked && zoom(marked)}>
      <defs><pattern id="hatch" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch-ground" width="4" height="4" /><rect class="hatch-line" width="1.4" height="4" /></pattern></defs>
      ${[0, 0.5, 1].map((part) => html`<g key=${part} class="grid"><line x1=${LEFT} x2=${room} y1=${Math.round(y(top * part)) + 0.5} y2=${Math.round(y(top * part)) + 0.5} />
        ${part ? html`<text x=${LEFT - 7} y=${y(top * part) + 4} text-anchor="end">${brief(top * part)}</text>` : null}</g>`)}
      <${Bars} data=${data} x=${x} y=${y} at=${at} marked=${marked} />
      ${marked ? html`<rect class="brush" x=${x(marked[0])} y="2" width=${x(marked[1] + 1) - x(marked[0])} height=${HIGH} />` : null}
      ${ticks(bars, width, inside).map(({ at: index, text }) => html`<text key=${index} x=${x(index)} y=${HIGH + FOOT - 3} text-anchor=${x(index) > room - 24 ? 'end' : index === 0 ? 'start' : 'middle'}>${text}</text>`)}
    </svg>
    <p id="chart-says" class="away" aria-live="polite">${shown ? `${date(shown.start)} ${clock(shown.start)}: ${count(shown.total)} entries, ${shown.error} errors, ${shown.warning} warnings` : ''}</p>
    ${shown ? html`<div class="tip" style=${{ left: `${left}px` }} aria-hidden="true"><strong class="num">${marked && marked[0] !== marked[1] ? `${clock(bars[marked[0]].start)} – ${clock(bars[marked[1]].start + width)}` : `${date(shown.start)} ${clock(shown.start).slice(0, 5)}`}</strong>
      ${marked && marked[0] !== marked[1] ? html`<span>${count(sum)} entries</span>` : BOXES.map((one) => html`<span key=${one.name}><i class=${`dot ${one.name}`}></i>${one.label}<b class="num">${count(shown[one.name])}</b></span>`)}</div>` : null}
  </div>`;
}
