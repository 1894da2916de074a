import { html } from '../html.js'; export function CustomerLog() { return html`<p>CustomerLog</p>`; }
