import { html } from '../html.js'; export function ProcessPage() { return html`<p>ProcessPage</p>`; }
