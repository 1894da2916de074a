// A button with a short list of choices, on details/summary, closed by a choice, a click elsewhere or Esc.

import { html, useEffect, useRef } from '../html.js';
import { Icon } from './icon.js';

export function Menu({ label, icon, children, class: extra = '', isQuiet = false, title }) {
  const box = useRef(null);
  useEffect(() => {
    const away = (event) => { if (!box.current?.contains(event.target)) box.current?.removeAttribute('open'); };
    document.addEventListener('pointerdown', away);
    return () => document.removeEventListener('pointerdown', away);
  }, []);
  const close = (event) => {
    if (event.type === 'keydown' && event.key !== 'Escape') return;
    if (event.type === 'click' && !event.target.closest('a, button')) return;
    box.current.removeAttribute('open');
    if (event.type === 'keydown') { event.stopPropagation(); event.preventDefault(); box.current.querySelector('summary').focus(); }
  };
  return html`<details ref=${box} class=${`menu ${extra}`} onKeyDown=${(event) => box.current.open && close(event)}>
    <summary class=${`button ${isQuiet ? 'quiet' : ''}`} title=${title}>${icon ? html`<${Icon} name=${icon} />` : null}<span>${label}</span><${Icon} name="down" size=${12} /></summary>
    <div class="menu-list" onClick=${close}>${children}</div>
  </details>`;
}
