import { html } from '../html.js'; export function Admin() { return html`<p>Admin</p>`; }
