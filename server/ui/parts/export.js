// The filtered set as a file: the same filter and the same zone as on the page.

import { html } from '../html.js';
import { address } from '../data/api.js';
import { zone } from '../data/preferences.js';
import { Menu } from './menu.js';

const FORMATS = [['csv', 'CSV', 'for spreadsheets'], ['ndjson', 'NDJSON', 'one entry a line'], ['json', 'JSON', 'one array']];

export function Export({ filter, label = 'Export' }) {
  return html`<${Menu} label=${label} icon="download" class="right">${FORMATS.map(([format, name, note]) => html`<a key=${format} href=${address('export', { ...filter, format, tz: zone.value })} download=${`log.${format}`}>${name}<span class="hint">${note}</span></a>`)}<//>`;
}
