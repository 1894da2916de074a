// Signing in: with a link that carries a code, or with a key.

import { html, useEffect, useState, useRef } from '../html.js';
import { path, query, change } from '../data/location.js';
import { signIn } from '../data/session.js';
import { Icon } from '../parts/icon.js';
import { Mark } from '../parts/shell.js';
import { ThemePicker } from '../parts/preferences.js';

function Proven() {
  return html`<ul class="signin-points">
    <li><${Icon} name="chain" /><span>Every entry is bound to the one before it by its hash.</span></li>
    <li><${Icon} name="shield" /><span>An auditor recomputes the whole chain, and sees what changed.</span></li>
    <li><${Icon} name="eye" /><span>Reading is recorded too.</span></li></ul>`;
}

const said = (problem) => (problem.status === 401 ? 'This key or code is not known, has expired or was revoked.'
  : problem.status === 429 ? 'Too many attempts. Wait a minute, then try again.' : problem.message);

export function SignIn() {
  const code = new URLSearchParams(query.value).get('code');
  const [key, setKey] = useState('');
  const failed = new URLSearchParams(query.value).get('failed');
  const [problem, setProblem] = useState(() => (failed ? { message: failed === 'link' ? 'This link was used already, or is older than ten minutes. Ask for a new one, or sign in with a key.' : 'This key is not known, has expired or was revoked.' } : null));
  const [isBusy, setBusy] = useState(false);
  const field = useRef(null);
  document.title = 'Sign in · Sealog';

  const enter = async (text) => {
    setBusy(true);
    setProblem(null);
    try {
      await signIn(text);
      setKey('');
    } catch (error) {
      setProblem(error);
      setBusy(false);
      field.current?.focus();
    }
  };
  useEffect(() => {
    // The server takes a link's code as the page is asked for; one that is still here was opened without it.
    if (path.value === '/signin' && code) {
      change({ code: null }, { replace: true });
      enter(code);
    } else field.current?.focus();
  }, []);

  return html`<main class="signin"><div class="signin-card">
    <div class="signin-brand"><${Mark} size=${34} /><h1>Sign in to Sealog</h1></div>
    <form onSubmit=${(event) => { event.preventDefault(); enter(key.trim()); }}>
      <label for="key">Key or link code</label>
      <input id="key" ref=${field} type="password" name="key" autocomplete="current-password" required spellcheck=${false} placeholder="slg_…" value=${key} aria-invalid=${Boolean(problem)} aria-describedby=${problem ? 'signin-problem' : 'signin-hint'} onInput=${(event) => setKey(event.target.value)} />
      ${problem ? html`<p id="signin-problem" class="signin-problem" role="alert"><${Icon} name="error" />${said(problem)}</p>` : html`<p id="signin-hint" class="hint">A key begins with <code>slg_</code>. A code works once, for ten minutes.</p>`}
      <button class="button primary wide" disabled=${isBusy || !key.trim()}>${isBusy ? 'Signing in…' : 'Sign in'}</button>
    </form><${Proven} /><div class="signin-foot"><${ThemePicker} /></div></div></main>`;
}
