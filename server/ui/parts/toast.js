// One short line that says what was done, and goes by itself.

import { html, signal } from '../html.js';

const said = signal(null);
let timer = null;

export function say(text) {
  said.value = text;
  clearTimeout(timer);
  timer = setTimeout(() => { said.value = null; }, 3500);
}

export function Toast() {
  return html`<div class="toasts" role="status" aria-live="polite">${said.value ? html`<div class="toast">${said.value}</div>` : null}</div>`;
}
