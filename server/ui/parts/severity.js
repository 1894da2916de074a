// A severity is always a word or a shape, and a colour only beside that.

import { html } from '../html.js';
import { LABELS } from '../data/severity.js';
import { Icon } from './icon.js';

export function Severity({ of: severity, isBrief = false }) {
  const name = LABELS[severity] ? severity : 'information';
  return html`<span class=${`severity ${name}`} title=${isBrief ? LABELS[name] : undefined}>
    <${Icon} name=${name} size=${14} label=${isBrief ? LABELS[name] : undefined} />${isBrief ? null : html`<span>${LABELS[name]}</span>`}
  </span>`;
}

const STATUS = {
  running: ['Running', 'process'], cancel_requested: ['Cancel requested', 'clock'], finished: ['Finished', 'check'], failed: ['Failed', 'error'], cancelled: ['Cancelled', 'close'],
};

export const statusName = (status) => (status ?? '').replaceAll(' ', '_').replaceAll('-', '_').toLowerCase();

export function Status({ of: status }) {
  const name = statusName(status);
  const [label, icon] = STATUS[name] ?? [status, 'clock'];
  return html`<span class=${`status ${name}`}><${Icon} name=${icon} size=${14} /><span>${label}</span></span>`;
}

export const STATUSES = Object.entries(STATUS).map(([name, [label]]) => ({ name, label }));
