// Fields of a filter form: a label above a control.

import { html, useEffect, useState } from '../html.js';
import { ask } from '../data/api.js';
import { fromField, toField, toText } from '../data/time.js';
import { count } from '../data/number.js';
import { zone } from '../data/preferences.js';

export function Labelled({ label, children, class: extra = '' }) {
  return html`<label class=${`labelled ${extra}`}><span>${label}</span>${children}</label>`;
}

/** A moment in the page's zone; the address holds it in UTC. */
export function Moment({ label, value, onChange, isEnd = false }) {
  const shown = value ? toField(Date.parse(value)) : '';
  return html`<${Labelled} label=${label} class="moment"><input type="datetime-local" step="1" title=${`In ${zone.value}`} value=${shown}
    onChange=${(event) => { const at = fromField(event.target.value); onChange(at === null ? '' : toText(isEnd && event.target.value.length === 16 ? at + 60_000 : at)); }} /><//>`;
}

/** The values that a field has within `filter`, commonest first: choices that find something. */
export function useValues(field, filter, limit = 100) {
  const [values, setValues] = useState([]);
  const key = JSON.stringify([field, filter, limit]);
  useEffect(() => {
    const stop = new AbortController();
    ask('facets', { values: { ...filter, field, limit }, signal: stop.signal }).then((found) => setValues(found.values ?? []), () => {});
    return () => stop.abort();
  }, [key]);
  return values;
}

/** A choice among values, or all. A value that the address names is offered even where nothing has it now. */
export function Choice({ label, all = 'All', value, values, onChange, show = (name) => name }) {
  const known = values.some((one) => one.value === value) || !value ? values : [{ value }, ...values];
  const sorted = [...known].sort((a, b) => (a.value < b.value ? -1 : 1));
  return html`<${Labelled} label=${label}><select value=${value ?? ''} onChange=${(event) => onChange(event.target.value)}>
    <option value="">${all}</option>${sorted.map((one) => html`<option key=${one.value} value=${one.value}>${show(one.value)}${one.count === undefined ? '' : ` (${count(one.count)})`}</option>`)}</select><//>`;
}

export function Text({ label, value, placeholder, onInput }) {
  return html`<${Labelled} label=${label}><input type="text" value=${value ?? ''} placeholder=${placeholder} autocomplete="off" spellcheck=${false} onInput=${(event) => onInput(event.target.value)} /><//>`;
}
