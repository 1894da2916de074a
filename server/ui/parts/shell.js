// The frame around every page: navigation by role, time zone, theme, who is signed in.

import { html, useState, useEffect } from '../html.js';
import { parameters, path } from '../data/location.js';
import { me, openPages, overview, OVERVIEW, signOut } from '../data/session.js';
import { useKeys } from '../data/keys.js';
import { Icon } from './icon.js';
import { Toast } from './toast.js';
import { Help } from './help.js';
import { ZonePicker, ThemePicker } from './preferences.js';

export function Mark({ size = 22 }) {
  return html`<svg class="mark" width=${size} height=${size} viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8" />
    <g><rect x="7" y="7" width="10" height="10" rx="3" /><rect x="15" y="15" width="10" height="10" rx="3" /></g></svg>`;
}

function Links() {
  const isOverview = parameters().get('view') === 'overview';
  const here = isOverview ? overview.value : path.value.startsWith('/processes/') ? '/processes' : path.value;
  const pages = openPages.value.length ? [{ ...OVERVIEW, path: overview.value }, ...openPages.value] : [];
  return html`<ul>${pages.map((page) => html`<li key=${page.path}>
    <a href=${page.path} aria-current=${here === page.path ? 'page' : undefined}><${Icon} name=${page.icon} /><span>${page.name}</span></a></li>`)}</ul>`;
}

export function Shell({ children }) {
  const [isOpen, setOpen] = useState(false);
  const [isHelp, setHelp] = useState(false);
  const here = path.value;
  useEffect(() => setOpen(false), [here]);
  useKeys({ '?': () => setHelp(true), Escape: () => (isOpen ? setOpen(false) : false) });
  const who = me.value;
  return html`<div class=${`shell ${isOpen ? 'nav-open' : ''}`}>
    <a class="skip" href="#main">Skip to the content</a>
    <div class="topbar">
      <button class="button quiet square" aria-label="Navigation" aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)}><${Icon} name="menu" /></button>
      <${Mark} size=${20} /><strong>Sealog</strong>
    </div>
    <nav class="side" aria-label="Pages">
      <a class="brand" href="/"><${Mark} /><span><strong>Sealog</strong>${who.store ? html`<small>${who.store}</small>` : null}</span></a>
      <${Links} />
      <div class="side-foot">
        <${ZonePicker} />
        <div class="side-row"><${ThemePicker} />
          <button class="button quiet square" title="Keyboard shortcuts (?)" aria-label="Keyboard shortcuts" onClick=${() => setHelp(true)}><${Icon} name="keyboard" /></button></div>
        <div class="who"><div><strong>${who.name || who.id || 'Signed in'}</strong><span>${(who.roles ?? []).join(', ')}</span></div>
          <button class="button quiet square" title="Sign out" aria-label="Sign out" onClick=${signOut}><${Icon} name="out" /></button></div>
      </div>
    </nav>
    <div class="scrim" onClick=${() => setOpen(false)}></div>
    <main id="main" tabindex="-1">${children}</main>
    ${isHelp ? html`<${Help} onClose=${() => setHelp(false)} />` : null}
    <${Toast} />
  </div>`;
}
