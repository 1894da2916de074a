// An ID with its readable name beside it, once it is resolved; and a text with its IDs made resolvable.

import { html, useState } from '../html.js';
import { nameFor, resolve, splitAtIds } from '../data/names.js';
import { say } from './toast.js';
import { Icon } from './icon.js';

export function Named({ id, tenant, isBare = false }) {
  const [isAsking, setAsking] = useState(false);
  const name = nameFor(tenant, id);
  const ask = async () => {
    setAsking(true);
    await resolve([id], { tenant }).catch((problem) => say(problem.message));
    setAsking(false);
  };
  return html`<span class=${`named ${isBare ? 'bare' : ''}`}><code>${id}</code>${name ? html`<span class="name">${name}</span>` : null}
    ${name === undefined ? html`<button class="resolve" disabled=${isAsking} title=${`Resolve ${id}`} aria-label=${`Resolve ${id}`} onClick=${ask}><${Icon} name="eye" size=${14} /></button>` : null}
    ${name === '' ? html`<span class="hint">no name known</span>` : null}</span>`;
}

export function WithNames({ text, tenant }) {
  return html`<span class="with-names">${splitAtIds(text).map((piece, at) => (at % 2 ? html`<${Named} key=${at} id=${piece} tenant=${tenant} isBare=${true} />` : piece))}</span>`;
}
