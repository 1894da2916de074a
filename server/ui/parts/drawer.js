// The details of one entry, beside the list: fields, context, JSON; previous and next; a link to it.

import { html, useEffect, useRef, useState } from '../html.js';
import { copy } from '../data/clipboard.js';
import { keyOf } from '../data/entry.js';
import { short } from '../data/time.js';
import { useKeys } from '../data/keys.js';
import { Icon } from './icon.js';
import { Severity } from './severity.js';
import { Details } from './details.js';
import { Context } from './context.js';
import { Proof } from './proof.js';
import { Json } from './json.js';
import { Failure, Loading } from './state.js';

const TABS = [['details', 'Details'], ['context', 'Context'], ['json', 'JSON and hashes']];

export function Drawer({ entry, problem, log, onClose, onStep, onOpen, onFilter, hasPrevious, hasNext }) {
  const [tab, setTab] = useState('details');
  const box = useRef(null);
  const before = useRef(document.activeElement);
  useEffect(() => () => { if (before.current?.isConnected) before.current.focus(); }, []);
  useEffect(() => { if (box.current) box.current.querySelector('.drawer-body').scrollTop = 0; }, [entry && keyOf(entry)]);
  useKeys({ Escape: onClose, c: () => (entry ? copy(JSON.stringify(entry, null, 2), 'Copied as JSON') : false) });
  const arrows = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const at = TABS.findIndex(([name]) => name === tab);
    const next = TABS[(at + step + TABS.length) % TABS.length][0];
    setTab(next);
    event.currentTarget.querySelector(`[data-tab=${next}]`).focus();
  };
  return html`<aside ref=${box} class="drawer" aria-label="Entry details">
    <header>
      <div class="drawer-title">${entry ? html`<h2>${entry.activity}</h2><p><${Severity} of=${entry.severity} /><span class="num">${short(entry.logged_at)}</span></p>` : html`<h2>Entry</h2>`}</div>
      <div class="drawer-acts">
        <button class="button quiet square" title="Previous (k)" aria-label="Previous entry" disabled=${!hasPrevious} onClick=${() => onStep(-1)}><${Icon} name="up" /></button>
        <button class="button quiet square" title="Next (j)" aria-label="Next entry" disabled=${!hasNext} onClick=${() => onStep(1)}><${Icon} name="down" /></button>
        <button class="button quiet square" title="Copy a link to this entry" aria-label="Copy a link to this entry" onClick=${() => copy(window.location.href, 'Link copied')}><${Icon} name="link" /></button>
        <button class="button quiet square" title="Close (Esc)" aria-label="Close details" onClick=${onClose}><${Icon} name="close" /></button>
      </div>
      <div class="tabs" role="tablist" aria-label="Of this entry" onKeyDown=${arrows}>${TABS.map(([name, label]) => html`<button key=${name} id=${`tab-${name}`} data-tab=${name} role="tab" aria-selected=${tab === name} aria-controls="tab-panel"
        tabindex=${tab === name ? 0 : -1} onClick=${() => setTab(name)}>${label}</button>`)}</div>
    </header>
    <div id="tab-panel" class="drawer-body" role="tabpanel" aria-labelledby=${`tab-${tab}`} tabindex="0">
      ${problem ? html`<${Failure} problem=${problem} />` : !entry ? html`<${Loading} />`
        : tab === 'details' ? html`<${Details} entry=${entry} onFilter=${onFilter} />`
          : tab === 'context' ? html`<${Context} entry=${entry} log=${log} onOpen=${onOpen} />`
            : html`<${Json} value=${entry} /><${Proof} entry=${entry} />`}
    </div></aside>`;
}
