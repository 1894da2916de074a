import { html } from '../html.js'; export function Processes() { return html`<p>Processes</p>`; }
