// The hashes that bind an entry: of its proof, where the server gives one, else of its chain's head.

import { html, useEffect, useState } from '../html.js';
import { ask } from '../data/api.js';
import { keyOf, routeOf } from '../data/entry.js';
import { may } from '../data/session.js';
import { copy } from '../data/clipboard.js';
import { count } from '../data/number.js';
import { whole } from '../data/time.js';
import { Icon } from './icon.js';
import { Json } from './json.js';

async function find(entry, stop) {
  const quiet = () => null;
  const proof = await ask(`${routeOf(entry)}/proof`, { signal: stop }).catch(quiet);
  const chain = may('auditor', 'admin') ? await ask(`chains/${encodeURIComponent(entry.service)}`, { signal: stop }).catch(quiet) : null;
  return { proof, chain };
}

export function Proof({ entry }) {
  const [found, setFound] = useState(null);
  useEffect(() => {
    const stop = new AbortController();
    setFound(null);
    find(entry, stop.signal).then(setFound, () => {});
    return () => stop.abort();
  }, [keyOf(entry)]);
  const { proof, chain } = found ?? {};
  return html`${proof ? html`<h3>Proof</h3><${Json} value=${proof} label="Proof" />` : null}
    ${chain?.head ? html`<h3>Head of the chain that holds it</h3><dl class="fields">
      ${[['Head', chain.head], ['Root', chain.root]].filter(([, hash]) => hash).map(([label, hash]) => html`<div key=${label} class="field wide"><dt>${label}</dt><dd><code class="hash">${hash}</code>
        <button class="button quiet square" aria-label=${`Copy ${label}`} onClick=${() => copy(hash, `${label} copied`)}><${Icon} name="copy" size=${14} /></button></dd></div>`)}
      <div class="field"><dt>Size</dt><dd class="num">${count(chain.size)} entries${chain.last?.logged_at ? `, last ${whole(chain.last.logged_at)}` : ''}</dd></div></dl>` : null}
    ${found && !proof && !chain?.head && entry.artifact?.sha256 ? html`<h3>File</h3><dl class="fields"><div class="field wide"><dt>SHA-256</dt><dd><code class="hash">${entry.artifact.sha256}</code></dd></div></dl>` : null}`;
}
