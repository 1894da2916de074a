// The search field: asks a moment after typing stops, at once on Enter. `/` leads here.

import { html, useEffect, useRef, useState } from '../html.js';
import { useKeys } from '../data/keys.js';
import { Icon } from './icon.js';

export function Search({ value = '', placeholder, label, onChange, hasKey = true }) {
  const [text, setText] = useState(value);
  const field = useRef(null);
  const timer = useRef(null);
  useEffect(() => { if (document.activeElement !== field.current || !value) setText(value); }, [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const send = (now) => { clearTimeout(timer.current); if (now !== value) onChange(now); };
  useKeys(hasKey ? { '/': () => { field.current.focus(); field.current.select(); } } : {});
  return html`<div class="search"><${Icon} name="search" />
    <input ref=${field} type="search" aria-label=${label} placeholder=${placeholder} value=${text} autocomplete="off" spellcheck=${false}
      onInput=${(event) => { const now = event.target.value; setText(now); clearTimeout(timer.current); timer.current = setTimeout(() => send(now), 350); }}
      onKeyDown=${(event) => {
        if (event.key === 'Enter') send(event.target.value);
        if (event.key === 'Escape') { event.stopPropagation(); if (text) { setText(''); send(''); } else field.current.blur(); }
      }} />
    ${text ? html`<button class="button quiet square" aria-label="Clear the search" onClick=${() => { setText(''); send(''); field.current.focus(); }}><${Icon} name="close" size=${12} /></button>`
      : hasKey ? html`<kbd aria-hidden="true">/</kbd>` : null}</div>`;
}
