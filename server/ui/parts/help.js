// The keys, on `?`.

import { html } from '../html.js';
import { SHORTCUTS } from '../data/keys.js';
import { Dialog } from './dialog.js';

export function Help({ onClose }) {
  return html`<${Dialog} title="Keyboard shortcuts" onClose=${onClose}>
    <dl class="keys">${SHORTCUTS.map(([key, does]) => html`<div key=${key}><dt><kbd>${key}</kbd></dt><dd>${does}</dd></div>`)}
      <div><dt><kbd>←</kbd> <kbd>→</kbd></dt><dd>In the chart: move; with Shift, mark; Enter zooms</dd></div></dl>
  <//>`;
}
