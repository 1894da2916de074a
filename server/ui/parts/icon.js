// The icons: one stroke, 16 by 16. They say nothing that a word beside them does not, unless `label` is given.

import { html } from '../html.js';

const PATHS = {
  overview: 'M2.5 2.5h4.5v6h-4.5zM9 2.5h4.5v3.5H9zM9 8.5h4.5v5H9zM2.5 11h4.5v2.5h-4.5z',
  audit: 'M4 2.5h6l2.5 2.5v8.5H4zM6 7.5h4.5M6 10h4.5M6 5h2',
  shield: 'M8 1.8l5 1.9v3.8c0 3.1-2 5.4-5 6.7-3-1.3-5-3.6-5-6.7V3.7zM5.7 8l1.7 1.7 3-3.3',
  process: 'M8 4.6A3.4 3.4 0 1 1 8 11.4 3.4 3.4 0 0 1 8 4.6M8 1.5v1.6M8 12.9v1.6M1.5 8h1.6M12.9 8h1.6M3.4 3.4l1.1 1.1M11.5 11.5l1.1 1.1M3.4 12.6l1.1-1.1M11.5 4.5l1.1-1.1',
  log: 'M2.5 4h1M2.5 8h1M2.5 12h1M6 4h7.5M6 8h7.5M6 12h7.5',
  chain: 'M6.7 9.3l2.6-2.6M7.3 4.9l1.3-1.3a2.7 2.7 0 0 1 3.8 3.8l-1.3 1.3M8.7 11.1l-1.3 1.3a2.7 2.7 0 0 1-3.8-3.8l1.3-1.3',
  key: 'M10 2.5a3.5 3.5 0 1 1-2.9 5.5L2.5 12.5v1.5H5v-1.5h1.5V11H8M10.8 5.2h.01',
  search: 'M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9M10.3 10.3l3.2 3.2',
  refresh: 'M13 8a5 5 0 1 1-1.5-3.6M13 2v3h-3',
  close: 'M3.5 3.5l9 9M12.5 3.5l-9 9',
  up: 'M3.5 10l4.5-4.5 4.5 4.5', down: 'M3.5 6l4.5 4.5L12.5 6', right: 'M6 3.5l4.5 4.5L6 12.5', left: 'M10 3.5L5.5 8l4.5 4.5',
  descending: 'M8 3v10M4 9l4 4 4-4', ascending: 'M8 13V3M4 7l4-4 4 4',
  download: 'M8 2.5v7.5M4.8 7l3.2 3.2L11.2 7M2.8 13.2h10.4',
  copy: 'M5.5 5.5h7.5v8h-7.5zM10.5 5.5v-3h-7.5v8h2.5',
  eye: 'M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8M8 6a2 2 0 1 1 0 4 2 2 0 0 1 0-4',
  sun: 'M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6M8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M3.4 12.6l.9-.9M11.7 4.3l.9-.9',
  moon: 'M13.2 9.6A5.6 5.6 0 0 1 6.4 2.8a5.6 5.6 0 1 0 6.8 6.8z',
  system: 'M2 3h12v8H2zM5.5 13.5h5M8 11v2.5',
  globe: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2M2 8h12M8 2c2.2 2 2.2 10 0 12M8 2c-2.2 2-2.2 10 0 12',
  keyboard: 'M1.5 4h13v8h-13zM4 6.5h.01M6.7 6.5h.01M9.3 6.5h.01M12 6.5h.01M4.5 9.5h7',
  out: 'M9.5 2.5h-6v11h6M6.5 8h7.5M11.2 5.2L14 8l-2.8 2.8',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  filter: 'M2 3.5h12M4.5 8h7M6.8 12.5h2.4',
  live: 'M8 6.4a1.6 1.6 0 1 1 0 3.2 1.6 1.6 0 0 1 0-3.2M4.5 11.5a5 5 0 0 1 0-7M11.5 4.5a5 5 0 0 1 0 7M2.4 13.6a8 8 0 0 1 0-11.2M13.6 2.4a8 8 0 0 1 0 11.2',
  print: 'M4.5 6v-3.5h7v3.5M4.5 11.5h-2V6h11v5.5h-2M4.5 9.5h7v4h-7z',
  check: 'M3 8.5l3.3 3.3L13 4.8', plus: 'M8 3v10M3 8h10', zoomOut: 'M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9M10.3 10.3l3.2 3.2M5 7h4',
  link: 'M9 3h4v4M13 3L7.5 8.5M11 9.5v3.5H3V5h3.5', clock: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2M8 4.5V8l2.4 1.6', more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  information: 'M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2M8 7.3v3.6M8 5.1h.01', trace: 'M8 7a1 1 0 1 1 0 2 1 1 0 0 1 0-2', debug: 'M8 7a1 1 0 1 1 0 2 1 1 0 0 1 0-2',
  warning: 'M8 2.3l6.2 11H1.8zM8 6.4v3.3M8 11.6h.01', error: 'M5.5 2h5L14 5.5v5L10.5 14h-5L2 10.5v-5zM8 4.9v3.7M8 10.9h.01', fatal: 'M5.5 2h5L14 5.5v5L10.5 14h-5L2 10.5v-5zM5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4',
};

export function Icon({ name, label, size = 16, class: extra = '' }) {
  return html`<svg class=${`icon ${extra}`} width=${size} height=${size} viewBox="0 0 16 16" fill="none" stroke="currentColor"
    stroke-width="1.4" stroke-linecap="round" stroke-linejoin="round" role=${label ? 'img' : undefined} aria-label=${label}
    aria-hidden=${label ? undefined : 'true'} focusable="false"><path d=${PATHS[name]} /></svg>`;
}
