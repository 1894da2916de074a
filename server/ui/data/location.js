// Where the reader is. Everything that a view shows is in the address, so that a link reopens the same view.

import { signal, batch } from '../html.js';

export const path = signal(window.location.pathname);
export const query = signal(window.location.search);

function take() {
  batch(() => {
    path.value = window.location.pathname;
    query.value = window.location.search;
  });
}

window.addEventListener('popstate', take);

export function go(address, { replace = false } = {}) {
  const target = new URL(address, window.location.href);
  const zone = parameters().get('tz');
  if (zone && !target.searchParams.has('tz')) target.searchParams.set('tz', zone);
  const text = target.pathname + tidy(target.search);
  if (text === window.location.pathname + window.location.search) return;
  window.history[replace ? 'replaceState' : 'pushState'](null, '', text);
  take();
}

// `/` and `:` stand as they are in a query, and an address that people send to each other should be readable.
const tidy = (search) => search.replaceAll('%2F', '/').replaceAll('%3A', ':');

export const parameters = () => new URLSearchParams(query.value);

/** `changes` maps a name to a value, a list of values, or nothing, which removes it. */
export function withParameters(changes, from = parameters()) {
  for (const [name, value] of Object.entries(changes)) {
    from.delete(name);
    for (const one of [value].flat()) {
      if (one !== undefined && one !== null && one !== '') from.append(name, String(one));
    }
  }
  const text = from.toString();
  return path.value + (text ? `?${text}` : '');
}

export const change = (changes, options) => go(withParameters(changes), options);

/** Links inside the pages do not load the page anew. */
export function followLinks(isPage) {
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element && event.target.closest('a[href]');
    if (!link || event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (link.target || link.hasAttribute('download') || link.origin !== window.location.origin) return;
    if (!isPage(link.pathname) || link.hash) return;
    event.preventDefault();
    go(link.href);
    window.scrollTo(0, 0);
  });
}
