import { html } from '../html.js'; export function Chains() { return html`<p>Chains</p>`; }
