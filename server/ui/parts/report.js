// The report of a validation, on the screen and on paper.

import { html } from '../html.js';
import { KINDS } from '../data/verify.js';
import { bytes, count, many } from '../data/number.js';
import { parseLast, short, whole, duration } from '../data/time.js';
import { zone } from '../data/preferences.js';
import { me } from '../data/session.js';
import { Icon } from './icon.js';

export function Progress({ progress }) {
  const { bytes: done = 0, bytes_total: total = 0 } = progress ?? {};
  const part = total ? Math.min(1, done / total) : null;
  return html`<section class="progress-card" aria-live="polite"><div class="progress-words"><strong>Validating…</strong>
    <span class="num">${done ? `${bytes(done)} of ${bytes(total)} read and recomputed` : 'Reading every stored byte of the timeframe'}</span></div>
    <progress max="1" value=${part ?? undefined} aria-label="Progress of the validation"></progress></section>`;
}

const spanOf = (asked) => {
  if (asked.last) { const last = parseLast(asked.last); return `the last ${last.count} ${last.count === 1 ? last.unit.one : last.unit.many}`; }
  return `${asked.from ? short(asked.from) : 'the beginning'} – ${asked.to ? short(asked.to) : 'now'}`;
};

export function Verdict({ report, asked, at }) {
  const broken = report.chains.filter((chain) => !chain.valid).length;
  return html`<section class=${`verdict ${report.valid ? 'good' : 'bad'}`} role="status"><div class="verdict-icon"><${Icon} name=${report.valid ? 'shield' : 'error'} size=${26} /></div>
    <div><h2>${report.valid ? 'The log is valid' : 'The log is NOT valid'}</h2>
      <p>${report.valid ? `Every hash of ${many(report.entries, 'entry', 'entries')} in ${many(report.chains.length, 'chain')} was recomputed and agrees.` : `${broken ? `${many(broken, 'chain')} of ${report.chains.length} ${broken === 1 ? 'does' : 'do'} not hold. ` : ''}What is wrong is listed below, with its place.`}</p>
      <dl class="facts"><div><dt>Timeframe</dt><dd>${spanOf(asked)}</dd></div><div><dt>Services</dt><dd>${asked.services?.length ? asked.services.join(', ') : 'all'}</dd></div>
        <div><dt>Entries</dt><dd class="num">${count(report.entries)}</dd></div>${report.cleared ? html`<div><dt>Cleared</dt><dd class="num">${count(report.cleared)}</dd></div>` : null}
        <div><dt>Read</dt><dd class="num">${bytes(report.bytes)} in ${duration((report.seconds ?? 0) * 1000)}</dd></div>
        <div><dt>Validated</dt><dd class="num">${whole(at)}</dd></div><div class="only-print"><dt>By</dt><dd>${me.value?.name ?? me.value?.id ?? ''}</dd></div><div class="only-print"><dt>Time zone</dt><dd>${zone.value}</dd></div></dl></div></section>`;
}

export function Problems({ problems }) {
  if (!problems.length) return null;
  return html`<section class="block problems"><h2>${many(problems.length, 'problem')}</h2><ul>${problems.map((problem, at) => html`<li key=${at}><${Icon} name="error" />
    <div><p><strong>${problem.service || 'Store'}</strong> <span class="badge bad">${problem.kind}</span> ${problem.first_seq === undefined || problem.first_seq === null ? '' : html`<span class="num">${problem.first_seq === problem.last_seq ? `entry ${problem.first_seq}` : `entries ${problem.first_seq} to ${problem.last_seq}`}</span>`}</p>
      <p>${KINDS[problem.kind] ?? ''}</p><p class="detail">${problem.detail}</p>${problem.file ? html`<p><code>${problem.file}</code></p>` : null}
      ${problem.service && problem.first_seq !== undefined && problem.first_seq !== null ? html`<a class="no-print" href=${`/audit?service=${encodeURIComponent(problem.service)}&entry=${encodeURIComponent(problem.service)}/${problem.first_seq}&last=52w`}>Look at it in the Audit Log</a>` : null}</div></li>`)}</ul></section>`;
}

function Point({ at }) {
  return at ? html`<span class="num">${short(at.logged_at)}</span> <span class="hint num">#${count(at.seq)}</span>` : html`<span class="none">none in the timeframe</span>`;
}

export function ChainResults({ report }) {
  const chains = [...report.chains].sort((a, b) => a.valid - b.valid);
  return html`<section class="block"><h2>Services</h2><div class="scroller" tabindex="0" role="region" aria-label="Results of the services"><table class="table"><thead><tr><th scope="col">Service</th><th scope="col">Result</th><th scope="col">First verifiable entry</th><th scope="col">Last verifiable entry</th><th scope="col" class="right">Entries</th><th scope="col">Head</th></tr></thead>
    <tbody>${chains.map((chain) => html`<tr key=${chain.service} data-service=${chain.service}><th scope="row">${chain.service}</th>
      <td>${chain.valid ? html`<span class="badge good"><${Icon} name="check" size=${12} />Valid</span>` : html`<span class="badge bad"><${Icon} name="error" size=${12} />Not valid</span>`}</td>
      <td><${Point} at=${chain.first} /></td><td><${Point} at=${chain.last} /></td><td class="right num">${count(chain.entries)}${chain.pending ? html` <span class="hint">+${count(chain.pending)} pending</span>` : null}</td>
      <td><code class="hash-short" title=${chain.head}>${chain.head?.slice(0, 12)}<span class="no-print">…</span><span class="only-print">${chain.head?.slice(12)}</span></code></td></tr>`)}</tbody></table></div></section>`;
}
