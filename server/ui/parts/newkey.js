// The form for a new key: roles, what it is limited to, how long it lives.

import { html, useState } from '../html.js';
import { ask } from '../data/api.js';
import { parseLast, toText } from '../data/time.js';
import { Dialog } from './dialog.js';
import { Labelled } from './fields.js';

const ROLES = [['producer', 'Producer', 'writes entries'], ['auditor', 'Auditor', 'reads and validates the audit log'], ['admin', 'Admin', 'process log, keys'], ['customer', 'Customer', 'reads the log of its customers']];
const words = (text) => text.split(/[\s,]+/).filter(Boolean);

export function NewKey({ onClose, onMade }) {
  const [roles, setRoles] = useState([]);
  const [fields, setFields] = useState({ tenants: '', organizations: '', services: '', peers: '', expires: '90d' });
  const [canClear, setCanClear] = useState(false);
  const [problem, setProblem] = useState(null);
  const set = (name) => (event) => setFields({ ...fields, [name]: event.target.value });
  const make = async (event) => {
    event.preventDefault();
    const body = { roles, grants: canClear ? ['clear'] : [] };
    for (const name of ['tenants', 'services', 'peers']) body[name] = words(fields[name]);
    body.organizations = fields.organizations.split(',').map((one) => one.trim()).filter(Boolean);
    if (fields.expires) body.expires = toText(Date.now() + parseLast(fields.expires).millis);
    try {
      onMade((await ask('keys', { body })).key);
    } catch (error) {
      setProblem(error);
    }
  };
  return html`<${Dialog} title="New key" onClose=${onClose}><form class="stack" onSubmit=${make}>
    <fieldset class="roles"><legend>Roles</legend>${ROLES.map(([name, label, does]) => html`<label key=${name}><input type="checkbox" checked=${roles.includes(name)} onChange=${() => setRoles(roles.includes(name) ? roles.filter((one) => one !== name) : [...roles, name])} /><span>${label} <em class="hint">${does}</em></span></label>`)}</fieldset>
    <${Labelled} label="Customers (IDs, separated by spaces; none means any)"><input type="text" value=${fields.tenants} onInput=${set('tenants')} spellcheck=${false} /><//>
    <${Labelled} label="Organizations (separated by commas)"><input type="text" value=${fields.organizations} onInput=${set('organizations')} spellcheck=${false} /><//>
    <${Labelled} label="Services"><input type="text" value=${fields.services} onInput=${set('services')} spellcheck=${false} /><//>
    <${Labelled} label="Peers (other customers that granted this one)"><input type="text" value=${fields.peers} onInput=${set('peers')} spellcheck=${false} /><//>
    <${Labelled} label="Expires after"><select value=${fields.expires} onChange=${set('expires')}><option value="30d">30 days</option><option value="90d">90 days</option><option value="365d">a year</option><option value="">never</option></select><//>
    <label class="check"><input type="checkbox" checked=${canClear} onChange=${() => setCanClear(!canClear)} /><span>May clear <em class="hint">erase entries, with an order that stays in the chain</em></span></label>
    ${problem ? html`<p class="signin-problem" role="alert">${problem.field ? `${problem.field}: ` : ''}${problem.message}</p>` : null}
    <div class="dialog-acts"><button type="button" class="button" onClick=${onClose}>Cancel</button><button class="button primary" disabled=${!roles.length}>Make the key</button></div></form><//>`;
}
