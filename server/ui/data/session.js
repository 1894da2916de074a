// Who reads, and what of the pages that lets them see. The server decides; this only spares people doors that are shut.

import { signal, computed } from '../html.js';
import { ask, problemOf } from './api.js';

/** `undefined` until asked, `null` when nobody is signed in. */
export const me = signal(undefined);

export const roles = computed(() => new Set(me.value?.roles ?? []));
export const may = (...any) => any.some((role) => roles.value.has(role));

/** Every page: its address, its name, who sees it. The order is the order in the navigation. */
export const PAGES = [
  { path: '/audit', name: 'Audit Log', icon: 'audit', roles: ['auditor'] },
  { path: '/audit/validation', name: 'Validation', icon: 'shield', roles: ['auditor'] },
  { path: '/processes', name: 'Process Log', icon: 'process', roles: ['admin'] },
  { path: '/log', name: 'Customer Log', icon: 'log', roles: ['customer'] },
  { path: '/chains', name: 'Chains', icon: 'chain', roles: ['auditor', 'admin'] },
  { path: '/admin', name: 'Administration', icon: 'key', roles: ['admin', 'auditor'] },
];

export const openPages = computed(() => PAGES.filter((page) => may(...page.roles)));

/** The overview is a view of the page that is the reader's own. */
export const OVERVIEW = { name: 'Overview', icon: 'overview' };

/** Where `/` leads: to the log that is the reader's own. */
export const home = computed(() => openPages.value[0]?.path ?? '/chains');
export const overview = computed(() => `${home.value}?view=overview`);

export async function learnWhoReads() {
  try {
    me.value = await ask('me');
  } catch (problem) {
    if (problem.status !== 401) throw problem;
    me.value = null;
  }
}

/** A key, or the code of a sign-in link. A session begins in a cookie that scripts cannot read; the key is kept nowhere. */
export async function signIn(key) {
  const answer = await fetch('/signin', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
    body: JSON.stringify({ key }),
    credentials: 'same-origin',
  });
  if (!answer.ok) throw await problemOf(answer);
  await learnWhoReads();
}

export async function signOut() {
  await fetch('/signout', { method: 'POST', credentials: 'same-origin' }).catch(() => {});
  me.value = null;
}
