// The timeframe: a number and a unit, back from now; or, after a zoom, the two times, with the way back.

import { html, useState, useEffect } from '../html.js';
import { parameters } from '../data/location.js';
import { UNITS, parseLast, short } from '../data/time.js';
import { Icon } from './icon.js';

/** `onChange` gets what the address should say. */
export function Timeframe({ filter, fallback = '1d', onChange }) {
  const isFixed = Boolean(filter.from || filter.to);
  // After a zoom the address still has the timeframe from which one came.
  const last = parseLast(filter.last) ?? parseLast(parameters().get('last')) ?? parseLast(fallback);
  const [number, setNumber] = useState(String(last.count));
  useEffect(() => setNumber(String(last.count)), [last.count, last.unit.letter]);
  const isValid = Boolean(parseLast(`${number}m`));
  const set = (count, letter) => parseLast(`${count}${letter}`) && onChange({ last: `${Number(count)}${letter}`, from: null, to: null });
  if (isFixed) {
    return html`<div class="timeframe fixed"><${Icon} name="clock" /><span class="num">${filter.from ? short(filter.from) : 'the beginning'} – ${filter.to ? short(filter.to) : 'now'}</span>
      <button class="button quiet square" title=${`Back to the last ${last.count} ${last.unit.many}`} aria-label="Remove the zoom" onClick=${() => set(last.count, last.unit.letter)}><${Icon} name="close" size=${12} /></button></div>`;
  }
  return html`<div class="timeframe" role="group" aria-label="Timeframe"><${Icon} name="clock" /><span class="hint">Last</span>
    <input class="num" type="text" inputmode="numeric" maxlength="6" aria-label="Timeframe: how many" aria-invalid=${!isValid} value=${number}
      onInput=${(event) => setNumber(event.target.value.replace(/\D/g, ''))}
      onChange=${(event) => set(event.target.value.replace(/\D/g, ''), last.unit.letter)} />
    <select aria-label="Timeframe: unit" value=${last.unit.letter} onChange=${(event) => set(number || last.count, event.target.value)}>
      ${UNITS.map((unit) => html`<option key=${unit.letter} value=${unit.letter}>${Number(number) === 1 ? unit.one : unit.many}</option>`)}</select></div>`;
}
