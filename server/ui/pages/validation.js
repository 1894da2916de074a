import { html } from '../html.js'; export function Validation() { return html`<p>Validation</p>`; }
