// JSON as text with quiet colours. Everything of a log is put in as text, never as markup.

import { html } from '../html.js';
import { copy } from '../data/clipboard.js';
import { Icon } from './icon.js';

const TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|(-?\d+(?:\.\d+)?)/g;

function tokens(text) {
  const out = [];
  let from = 0;
  for (const found of text.matchAll(TOKEN)) {
    out.push(text.slice(from, found.index));
    const [all, string, colon] = found;
    out.push(string && colon ? html`<b>${string}</b>${colon}` : html`<span class=${string ? 'string' : 'value'}>${all}</span>`);
    from = found.index + all.length;
  }
  out.push(text.slice(from));
  return out;
}

export function Json({ value, label = 'JSON' }) {
  const text = JSON.stringify(value, null, 2);
  return html`<div class="json"><button class="button small" onClick=${() => copy(text, 'Copied as JSON')}><${Icon} name="copy" size=${14} />Copy</button>
    <pre tabindex="0" aria-label=${label}>${text.length < 60_000 ? tokens(text) : text}</pre></div>`;
}
