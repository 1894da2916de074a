// The chains: one for each service, where each stands, and when it was last validated.

import { html, useEffect, useState } from '../html.js';
import { ask } from '../data/api.js';
import { copy } from '../data/clipboard.js';
import { ago, short } from '../data/time.js';
import { count, many } from '../data/number.js';
import { may } from '../data/session.js';
import { useKeys } from '../data/keys.js';
import { Icon } from '../parts/icon.js';
import { Failure, Loading, State } from '../parts/state.js';

export function useChains() {
  const [state, setState] = useState({});
  const read = () => ask('chains').then(({ chains }) => setState({ chains }), (problem) => setState({ problem }));
  useEffect(() => { read(); }, []);
  return { ...state, read };
}

export function Verified({ chain }) {
  const last = chain.last_verification;
  if (!last) return html`<span class="hint">not since the server began</span>`;
  return last.valid ? html`<span class="badge good" title=${short(last.at)}><${Icon} name="check" size=${12} />Valid, ${ago(last.at)}</span>` : html`<span class="badge bad" title=${short(last.at)}><${Icon} name="error" size=${12} />Not valid, ${ago(last.at)}</span>`;
}

const Point = ({ at }) => (at ? html`<span class="num">${short(at.logged_at)}</span> <span class="hint num">#${count(at.seq)}</span>` : html`<span class="none">–</span>`);

function Head({ chain }) {
  if (!chain.head) return html`<span class="none">–</span>`;
  return html`<span class="named"><code class="hash-short" title=${chain.head}>${chain.head.slice(0, 16)}…</code><button class="resolve" aria-label=${`Copy the head of ${chain.service}`} onClick=${() => copy(chain.head, 'Head copied')}><${Icon} name="copy" size=${14} /></button></span>`;
}

export function Chains() {
  const { chains, problem, read } = useChains();
  const isWhole = may('auditor');
  useKeys({ r: read });
  const total = (chains ?? []).reduce((sum, chain) => sum + chain.size, 0);
  return html`<div class="page"><header class="page-head"><h1>Chains</h1>
      <div class="page-acts">${isWhole ? html`<a class="button" href="/audit/validation"><${Icon} name="shield" /><span>Validate</span></a>` : null}<button class="button square" title="Refresh (r)" aria-label="Refresh" onClick=${read}><${Icon} name="refresh" /></button></div></header>
    ${problem ? html`<${Failure} problem=${problem} onRetry=${read} />` : !chains ? html`<${Loading} /> ` : !chains.length ? html`<${State} icon="chain" title="No chains yet">The first entry of a service begins its chain.<//>` : html`
    <section class="block"><p class="lead">${many(chains.length, 'chain')} with ${many(total, 'entry', 'entries')}. Keep a head somewhere else: a log that was rolled back is found by comparing it.</p>
      <div class="scroller" tabindex="0" role="region" aria-label="Chains"><table class="table"><thead><tr><th scope="col">Service</th><th scope="col" class="right">Size</th>${isWhole ? html`<th scope="col">First entry</th><th scope="col">Last entry</th><th scope="col">Last validated</th>` : null}<th scope="col">Head</th></tr></thead>
      <tbody>${chains.map((chain) => html`<tr key=${chain.service}><th scope="row">${isWhole ? html`<a href=${`/audit?service=${encodeURIComponent(chain.service)}`}>${chain.service}</a>` : chain.service}${chain.takes_entries === false ? html` <span class="badge bad">takes no entries</span>` : null}</th><td class="right num">${count(chain.size)}</td>
        ${isWhole ? html`<td><${Point} at=${chain.first} /></td><td><${Point} at=${chain.last} /></td><td><${Verified} chain=${chain} /></td>` : null}<td><${Head} chain=${chain} /></td></tr>`)}</tbody></table></div></section>`}</div>`;
}
