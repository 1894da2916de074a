// The switch for following live, and the pill that says how much is new.

import { html } from '../html.js';
import { many } from '../data/number.js';
import { Icon } from './icon.js';

const SAYS = { off: 'Follow live', connecting: 'Connecting…', on: 'Live', lost: 'Connection lost' };

export function LiveSwitch({ state, isOn, onToggle }) {
  return html`<button class=${`button live ${isOn ? state : ''}`} aria-pressed=${isOn} title="Follow live (t)" onClick=${onToggle}><${Icon} name="live" /><span>${isOn ? SAYS[state] : 'Live'}</span></button>`;
}

export function NewPill({ count, onTake }) {
  return html`<div class="pill-place" role="status" aria-live="polite">${count ? html`<button class="pill" onClick=${onTake}><${Icon} name="up" size=${12} />${many(count, 'new entry', 'new entries')}</button>` : null}</div>`;
}
