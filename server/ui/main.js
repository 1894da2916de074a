// Starts the pages: learns who reads, then shows the page that the address names.

import { html, render, effect } from './html.js';
import { path, go, followLinks, parameters, query } from './data/location.js';
import { me, home, learnWhoReads, OVERVIEW, PAGES, may } from './data/session.js';
import { refusedForKey } from './data/api.js';
import { Shell } from './parts/shell.js';
import { Loading, State, Failure } from './parts/state.js';
import { SignIn } from './pages/signin.js';
import { Audit } from './pages/audit.js';
import { Validation } from './pages/validation.js';
import { Processes } from './pages/processes.js';
import { ProcessPage } from './pages/process.js';
import { CustomerLog } from './pages/log.js';
import { Chains } from './pages/chains.js';
import { Overview } from './pages/overview.js';
import { Admin } from './pages/admin.js';
import { signal } from './html.js';

const VIEWS = {
  '/audit': Audit, '/audit/validation': Validation, '/processes': Processes, '/log': CustomerLog, '/chains': Chains, '/admin': Admin,
};

const failure = signal(null);

const isPage = (pathname) => pathname === '/' || pathname in VIEWS || pathname.startsWith('/processes/');

function Page() {
  const here = path.value;
  const base = here.startsWith('/processes/') ? '/processes' : here;
  const page = PAGES.find((one) => one.path === base);
  if (!page) return html`<${State} title="There is no such page" action=${html`<a class="button" href=${home.value}>Go to your log</a>`}>The address names nothing that is served here.<//>`;
  const isOverview = here === home.value && parameters().get('view') === 'overview';
  document.title = `${isOverview ? OVERVIEW.name : page.name} · Sealog`;
  if (isOverview) return html`<${Overview} />`;
  if (!may(...page.roles)) {
    return html`<${State} icon="shield" title=${`${page.name} is not open to your key`} action=${html`<a class="button" href=${home.value}>Go to your log</a>`}>
      It needs the role ${page.roles.join(' or ')}; yours: ${me.value.roles.join(', ') || 'none'}. Ask an administrator for a key with it.<//>`;
  }
  if (here !== base) return html`<${ProcessPage} key=${here} id=${decodeURIComponent(here.slice('/processes/'.length))} />`;
  return html`<${VIEWS[base]} key=${base} />`;
}

function App() {
  if (failure.value) return html`<main class="alone"><${Failure} problem=${failure.value} onRetry=${start} /></main>`;
  if (me.value === undefined) return html`<main class="alone"><${Loading} /></main>`;
  if (me.value === null) return html`<${SignIn} />`;
  return html`<${Shell}><${Page} /><//>`;
}

async function start() {
  failure.value = null;
  // A link with a code is used up by the sign-in page, even when somebody is signed in already.
  if (path.value === '/signin' && new URLSearchParams(query.value).has('code')) me.value = null;
  else await learnWhoReads().catch((problem) => { failure.value = problem; });
}

// `/` and the sign-in page lead on, once it is known who reads.
effect(() => {
  if (me.value && (path.value === '/' || path.value === '/signin')) {
    const next = new URLSearchParams(query.value).get('next');
    go(next?.startsWith('/') && !next.startsWith('//') && isPage(new URL(next, location.origin).pathname) ? next : home.value, { replace: true });
  }
});

// A key that was revoked meanwhile leads back to signing in; the address stays, so that the view comes back.
effect(() => {
  if (refusedForKey.value && me.peek()) me.value = null;
});

followLinks(isPage);
start();
render(html`<${App} />`, document.getElementById('root'));
