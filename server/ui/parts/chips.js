// The filters that hold, each with the way to take it off.

import { html } from '../html.js';
import { NAMES } from '../data/filter.js';
import { BOXES, boxOf } from '../data/severity.js';
import { Icon } from './icon.js';

const TOLD = ['severity', 'service', 'activity', 'success', 'tenant', 'organization', 'actor_id', 'object_id', 'request_id', 'configuration_id', 'process', 'min_severity'];

function say(name, value) {
  if (name === 'severity') return [...new Set(value.split(',').map(boxOf))].map((box) => BOXES.find((one) => one.name === box).label).join(', ');
  if (name === 'success') return value === 'true' ? 'Yes' : 'No';
  return value;
}

export function Chips({ filter, onChange, without = [] }) {
  const chips = TOLD.filter((name) => !without.includes(name)).flatMap((name) => [filter[name] ?? []].flat().map((value) => ({ name, value })));
  if (!chips.length) return null;
  const remove = ({ name, value }) => onChange({ [name]: [filter[name]].flat().filter((one) => one !== value) });
  return html`<div class="chips" role="group" aria-label="Filters in force">${chips.map((chip) => html`<span key=${chip.name + chip.value} class="chip"><b>${NAMES[chip.name]}</b>${say(chip.name, chip.value)}
    <button aria-label=${`Remove the filter ${NAMES[chip.name]} ${say(chip.name, chip.value)}`} onClick=${() => remove(chip)}><${Icon} name="close" size=${10} /></button></span>`)}
    <button class="link" onClick=${() => onChange(Object.fromEntries(chips.map(({ name }) => [name, null])))}>Clear all</button></div>`;
}
