// The commonest values of each field among what is asked for, with their numbers. A click filters; a second one takes it back.

import { html, useEffect, useState } from '../html.js';
import { ask } from '../data/api.js';
import { withoutOrder } from '../data/filter.js';
import { BOXES, boxOf, classesOf } from '../data/severity.js';
import { brief, count } from '../data/number.js';
import { Icon } from './icon.js';
import { Severity } from './severity.js';

const SHOWN = 6;

function Values({ values, chosen, onToggle, show, most }) {
  return html`<ul>${values.map(({ value, count: some }) => {
    const isOn = chosen.includes(value);
    return html`<li key=${value}><button type="button" class="facet" aria-pressed=${isOn} title=${`${value}: ${count(some)}`} onClick=${() => onToggle(value)}>
      <span class="facet-bar" style=${{ transform: `scaleX(${most ? Math.max(0.01, some / most) : 0})` }}></span>
      <span class="tick">${isOn ? html`<${Icon} name="check" size=${12} />` : null}</span><span class="facet-name">${show ? show(value) : value}</span><span class="num">${some === null ? '' : brief(some)}</span></button></li>`;
  })}</ul>`;
}

/** Numbers of a field count all its values, chosen or not: so its own filter is left out of the question. */
function useFacet(field, filter, version, limit) {
  const [found, setFound] = useState(null);
  const { [field]: own, ...others } = withoutOrder(filter);
  const key = JSON.stringify([field, others, limit]);
  useEffect(() => {
    const stop = new AbortController();
    ask('facets', { values: { ...others, field, limit }, signal: stop.signal }).then(setFound, (problem) => { if (problem.name !== 'AbortError') setFound({ values: [], problem }); });
    return () => stop.abort();
  }, [key, version]);
  return found;
}

function Group({ field, label, filter, version, onChange, show }) {
  const [isAll, setAll] = useState(false);
  const found = useFacet(field, filter, version, isAll ? 50 : 10);
  const chosen = [filter[field] ?? []].flat();
  const values = found?.values ?? [];
  const missing = chosen.filter((value) => !values.some((one) => one.value === value)).map((value) => ({ value, count: null }));
  const shown = isAll ? values : values.filter((one, at) => at < SHOWN || chosen.includes(one.value));
  const toggle = (value) => onChange({ [field]: chosen.includes(value) ? chosen.filter((one) => one !== value) : [...chosen, value] });
  if (found && !values.length && !missing.length) return null;
  return html`<details class="facet-group" open><summary>${label}<${Icon} name="down" size=${12} /></summary>
    ${found?.problem ? html`<p class="hint">${found.problem.message}</p>` : null}
    ${found ? html`<${Values} values=${[...missing, ...shown]} chosen=${chosen} onToggle=${toggle} show=${show} most=${values[0]?.count ?? 0} />` : html`<div class="facet-wait" aria-hidden="true"></div>`}
    ${values.length > SHOWN || isAll ? html`<button type="button" class="more" onClick=${() => setAll(!isAll)}>${isAll ? 'Fewer' : 'More'}</button>` : null}</details>`;
}

function SeverityGroup({ filter, version, onChange }) {
  const found = useFacet('severity', filter, version, 10);
  const chosen = filter.severity ? [...new Set(filter.severity.split(',').map(boxOf))] : [];
  const values = BOXES.map(({ name }) => ({ value: name, count: (found?.values ?? []).filter((one) => boxOf(one.value) === name).reduce((sum, one) => sum + one.count, 0) }));
  const toggle = (name) => onChange({ severity: classesOf(chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name]) });
  return html`<details class="facet-group" open><summary>Severity<${Icon} name="down" size=${12} /></summary>
    <${Values} values=${values} chosen=${chosen} onToggle=${toggle} show=${(name) => html`<${Severity} of=${name} />`} most=${Math.max(...values.map((one) => one.count))} /></details>`;
}

export function Facets({ filter, version, fields, onChange }) {
  return html`<div class="facets" role="region" aria-label="Filters by value">
    <${SeverityGroup} filter=${filter} version=${version} onChange=${onChange} />
    ${fields.map(({ field, label, show }) => html`<${Group} key=${field} field=${field} label=${label} show=${show} filter=${filter} version=${version} onChange=${onChange} />`)}</div>`;
}
