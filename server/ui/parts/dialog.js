// A modal question or form, on the browser's own dialog: it keeps the focus, and Esc closes it.

import { html, useEffect, useRef } from '../html.js';
import { Icon } from './icon.js';

export function Dialog({ title, onClose, children, class: extra = '' }) {
  const box = useRef(null);
  useEffect(() => {
    const before = document.activeElement;
    box.current.showModal();
    return () => before instanceof HTMLElement && before.focus();
  }, []);
  return html`<dialog ref=${box} class=${`dialog ${extra}`} aria-label=${title} onCancel=${(event) => { event.preventDefault(); onClose(); }}
    onClick=${(event) => { if (event.target === box.current) onClose(); }}>
    <div class="dialog-inside">
      <header><h2>${title}</h2><button class="button quiet square" aria-label="Close" onClick=${onClose}><${Icon} name="close" /></button></header>
      ${children}
    </div>
  </dialog>`;
}
