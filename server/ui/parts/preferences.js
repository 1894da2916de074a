// The one time zone of the page, and the theme.

import { html, useMemo } from '../html.js';
import { zone, ownZone, chooseZone, theme, chooseTheme } from '../data/preferences.js';
import { offset } from '../data/time.js';
import { Icon } from './icon.js';

const all = () => (typeof Intl.supportedValuesOf === 'function' ? Intl.supportedValuesOf('timeZone') : []);

export function ZonePicker() {
  const zones = useMemo(all, []);
  const now = zone.value;
  const first = [...new Set([now, ownZone, 'UTC'])];
  return html`<label class="zone" title="All times on the pages are in this zone; files have UTC"><${Icon} name="globe" />
    <select aria-label="Time zone" value=${now} onChange=${(event) => chooseZone(event.target.value)}>
      ${first.map((name) => html`<option key=${name} value=${name}>${name}${name === 'UTC' ? '' : ` (${offset(Date.now(), name)})`}</option>`)}
      <optgroup label="All zones">${zones.filter((name) => !first.includes(name)).map((name) => html`<option key=${name} value=${name}>${name}</option>`)}</optgroup>
    </select></label>`;
}

const THEMES = [['', 'System theme', 'system'], ['light', 'Light theme', 'sun'], ['dark', 'Dark theme', 'moon']];

export function ThemePicker() {
  return html`<div class="segments" role="group" aria-label="Theme">${THEMES.map(([name, label, icon]) => html`<button key=${name} type="button" title=${label} aria-label=${label}
    aria-pressed=${theme.value === name} onClick=${() => chooseTheme(name)}><${Icon} name=${icon} size=${14} /></button>`)}</div>`;
}
