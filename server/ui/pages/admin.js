// Administration: the keys, what each opens, and who was granted what. Auditors look, admins change.

import { html, useEffect, useState } from '../html.js';
import { ask } from '../data/api.js';
import { copy } from '../data/clipboard.js';
import { ago, short, toMillis } from '../data/time.js';
import { may, me } from '../data/session.js';
import { useKeys } from '../data/keys.js';
import { Icon } from '../parts/icon.js';
import { Dialog } from '../parts/dialog.js';
import { Failure, Loading, State } from '../parts/state.js';
import { NewKey } from '../parts/newkey.js';
import { say } from '../parts/toast.js';

const stateOf = (key) => (key.revoked ? ['', `Revoked ${ago(key.revoked)}`] : key.expires && toMillis(key.expires) < Date.now() ? ['', `Expired ${ago(key.expires)}`] : ['good', 'Live']);
const listOf = (values) => (values?.length ? values.join(', ') : html`<span class="hint">any</span>`);

function Made({ text, onClose }) {
  return html`<${Dialog} title="The new key" onClose=${onClose}><div class="dialog-text"><p>It is shown once. Copy it now: nobody can read it again, the server keeps its hash only.</p><p class="secret"><code>${text}</code></p>
    <div class="dialog-acts"><button class="button" onClick=${() => copy(text, 'Key copied')}><${Icon} name="copy" />Copy</button><button class="button primary" onClick=${onClose}>Done</button></div></div><//>`;
}

function Revoke({ entry, onClose, onDone }) {
  const revoke = async () => {
    try {
      await ask(`keys/${encodeURIComponent(entry.id)}`, { method: 'DELETE' });
      say('The key was revoked');
      onDone();
    } catch (problem) {
      say(problem.message);
    }
  };
  return html`<${Dialog} title=${`Revoke ${entry.id}?`} onClose=${onClose}><div class="dialog-text"><p>Whoever uses this key is refused within a second, and sessions that began with it end. This cannot be taken back.</p>
    <div class="dialog-acts"><button class="button" onClick=${onClose}>Keep it</button><button class="button primary" onClick=${revoke}>Revoke</button></div></div><//>`;
}

function Table({ keys, onRevoke }) {
  return html`<div class="scroller" tabindex="0" role="region" aria-label="Keys"><table class="table"><thead><tr><th scope="col">Key</th><th scope="col">State</th><th scope="col">Roles</th><th scope="col">Customers</th><th scope="col">Organizations</th><th scope="col">Services</th><th scope="col">Grants</th><th scope="col">Created</th><th scope="col">Expires</th>${may('admin') ? html`<th scope="col"><span class="away">Actions</span></th>` : null}</tr></thead>
    <tbody>${keys.map((key) => { const [tone, words] = stateOf(key); return html`<tr key=${key.id} class=${tone ? '' : 'past'}><th scope="row"><code>${key.id}</code>${key.id === me.value.id ? html` <span class="badge">yours</span>` : null}</th><td><span class=${`badge ${tone}`}>${words}</span></td><td>${key.roles.join(', ')}</td>
      <td>${listOf([...(key.tenants ?? []), ...(key.peers ?? []).map((peer) => `${peer} (peer)`)])}</td><td>${listOf(key.organizations)}</td><td>${listOf(key.services)}</td><td>${key.grants?.length ? key.grants.join(', ') : html`<span class="none">–</span>`}</td><td class="num">${short(key.created)}</td><td class="num">${key.expires ? short(key.expires) : html`<span class="hint">never</span>`}</td>
      ${may('admin') ? html`<td class="right">${tone ? html`<button class="button small danger" aria-label=${`Revoke ${key.id}`} onClick=${() => onRevoke(key)}>Revoke</button>` : null}</td>` : null}</tr>`; })}</tbody></table></div>`;
}

export function Admin() {
  const [state, setState] = useState({});
  const [shown, setShown] = useState(null);
  const read = () => ask('keys').then(({ keys }) => setState({ keys }), (problem) => setState({ problem }));
  useEffect(() => { read(); }, []);
  useKeys({ r: read });
  const close = () => setShown(null);
  return html`<div class="page"><header class="page-head"><h1>Administration</h1><div class="page-acts">${may('admin') ? html`<button class="button primary" onClick=${() => setShown({ is: 'new' })}><${Icon} name="plus" /><span>New key</span></button>` : null}
      <button class="button square" title="Refresh (r)" aria-label="Refresh" onClick=${read}><${Icon} name="refresh" /></button></div></header>
    <section class="block"><h2>Keys and grants</h2>${state.problem ? html`<${Failure} problem=${state.problem} onRetry=${read} />` : !state.keys ? html`<${Loading} />` : state.keys.length ? html`<${Table} keys=${state.keys} onRevoke=${(entry) => setShown({ is: 'revoke', entry })} />` : html`<${State} icon="key" title="No keys">Make the first with “sealog key new” beside the store, or here.<//>`}</section>
    ${shown?.is === 'new' ? html`<${NewKey} onClose=${close} onMade=${(text) => { setShown({ is: 'made', text }); read(); }} />` : null}
    ${shown?.is === 'made' ? html`<${Made} text=${shown.text} onClose=${close} />` : null}
    ${shown?.is === 'revoke' ? html`<${Revoke} entry=${shown.entry} onClose=${close} onDone=${() => { close(); read(); }} />` : null}</div>`;
}
