// The filtered set as a file: the same filter as on the page. Times in files are UTC, as everywhere outside the pages.

import { html } from '../html.js';
import { address } from '../data/api.js';
import { Menu } from './menu.js';

const FORMATS = [['csv', 'CSV', 'for spreadsheets'], ['ndjson', 'NDJSON', 'one entry a line'], ['json', 'JSON', 'one array']];

export function Export({ filter, label = 'Export' }) {
  return html`<${Menu} label=${label} icon="download" class="right">${FORMATS.map(([format, name, note]) => html`<a key=${format} href=${address('export', { ...filter, format })} download=${`log.${format}`}>${name}<span class="hint">${note}</span></a>`)}<//>`;
}
