// What a page says when it has nothing to show: why, and what to do.

import { html } from '../html.js';
import { Icon } from './icon.js';

export function State({ icon = 'search', title, children, action }) {
  return html`<div class="state">
    <div class="state-icon"><${Icon} name=${icon} size=${20} /></div>
    <h2>${title}</h2>
    <p>${children}</p>
    ${action ? html`<div class="state-actions">${action}</div>` : null}
  </div>`;
}

export function Failure({ problem, onRetry }) {
  if (problem.status === 403) {
    return html`<${State} icon="shield" title="Your key does not open this">${problem.message} Ask an administrator for a key with that role.<//>`;
  }
  if (problem.status === 404) {
    return html`<${State} icon="search" title="Nothing here">${problem.message} It may have been cleared, or your key may not reach it.<//>`;
  }
  const title = problem.status === 422 || problem.status === 400 ? 'The server did not understand the filter'
    : problem.status === 429 ? 'Too many requests' : problem.status >= 500 ? 'The server could not answer' : problem.title || 'That did not work';
  return html`<${State} icon="error" title=${title}
    action=${onRetry ? html`<button class="button" onClick=${onRetry}><${Icon} name="refresh" />Try again</button>` : null}>
    ${problem.field ? html`<code>${problem.field}</code>: ` : null}${problem.message}
    ${problem.retryAfter ? ` Try again in ${problem.retryAfter} seconds.` : ''}
  <//>`;
}

export function Loading({ label = 'Loading' }) {
  return html`<div class="loading" role="status"><span class="spinner" aria-hidden="true"></span>${label}…</div>`;
}

/** Grey lines where rows will be, for the first load. */
export function Skeleton({ rows = 14 }) {
  return html`<div class="skeleton" aria-hidden="true">${Array.from({ length: rows }, (_, at) => html`<div key=${at} class=${`skeleton-row w${at % 4}`}><i></i><i></i><i></i></div>`)}</div>`;
}

/** Damage that a read met: what is shown is not all. */
export function Damage({ problems }) {
  if (!problems?.length) return null;
  return html`<div class="banner bad" role="alert"><${Icon} name="error" />
    <div><strong>Part of the log did not read.</strong> What is shown is incomplete: ${problems.slice(0, 3).map((one) => (typeof one === 'string' ? one : one.detail ?? one.problem ?? JSON.stringify(one))).join('; ')}${problems.length > 3 ? `, and ${problems.length - 3} more` : ''}.
    Validate the log to learn what is affected.</div></div>`;
}
