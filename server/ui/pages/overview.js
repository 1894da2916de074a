// What needs attention, for each role from its own log.

import { html, useEffect, useState } from '../html.js';
import { go } from '../data/location.js';
import { may } from '../data/session.js';
import { failing, missed, processes, slowest, volume } from '../data/overview.js';
import { pageOf } from '../data/process.js';
import { ago, duration, toMillis, toText } from '../data/time.js';
import { count, many, percent } from '../data/number.js';
import { Icon } from '../parts/icon.js';
import { Histogram } from '../parts/histogram.js';
import { Severity, Status } from '../parts/severity.js';
import { useChains, Verified } from './chains.js';

function useAnswer(question) {
  const [state, setState] = useState({});
  useEffect(() => {
    const stop = new AbortController();
    question(stop.signal).then((answer) => setState({ answer }), (problem) => { if (problem.name !== 'AbortError') setState({ problem }); });
    return () => stop.abort();
  }, []);
  return state;
}

function Card({ title, more, state, empty, children, class: extra = '' }) {
  const isEmpty = state.answer && Array.isArray(state.answer) && !state.answer.length;
  return html`<section class=${`card ${extra}`}><header><h2>${title}</h2>${more ?? null}</header>
    ${state.problem ? html`<p class="hint">${state.problem.message}</p>` : !state.answer ? html`<div class="card-wait" aria-hidden="true"></div>` : isEmpty ? html`<p class="card-good"><${Icon} name="check" size=${14} />${empty}</p>` : children}</section>`;
}

function Tile({ label, value, note, tone = '', href }) {
  return html`<li class="tile"><a href=${href}><span class="tile-label">${label}</span><b class=${`num ${tone}`}>${value}</b><span class="hint">${note}</span></a></li>`;
}

function Tiles({ log, page }) {
  const { answer } = useAnswer((stop) => volume(log, stop));
  const day = answer?.day;
  const change = answer && answer.before.total ? (day.total - answer.before.total) / answer.before.total : null;
  return html`<ul class="tiles"><${Tile} label="Entries, 24 hours" value=${day ? count(day.total) : '…'} href=${page} note=${change === null ? ' ' : `${change >= 0 ? '+' : '−'}${Math.abs(change * 100).toFixed(0)} % against the day before`} />
    <${Tile} label="Errors" value=${day ? count(day.error) : '…'} tone=${day?.error ? 'bad' : ''} href=${`${page}?severity=error,fatal`} note=${day ? `${percent(day.error, day.total)} of all; the day before ${count(answer.before.error)}` : ' '} />
    <${Tile} label="Warnings" value=${day ? count(day.warning) : '…'} href=${`${page}?severity=warning`} note=${day ? `${percent(day.warning, day.total)} of all; the day before ${count(answer.before.warning)}` : ' '} /></ul>`;
}

function Trend({ log, page }) {
  return html`<section class="card wide"><header><h2>Seven days</h2></header><${Histogram} filter=${{ log, last: '7d' }} version=${0} onZoom=${(from, to) => go(`${page}?from=${toText(from)}&to=${toText(to)}`)} /></section>`;
}

function Failing({ log, page }) {
  const state = useAnswer((stop) => failing(log, stop));
  const most = state.answer?.[0]?.count ?? 1;
  return html`<${Card} title="Failed most, 7 days" state=${state} empty="Nothing failed."><ul class="bars">${state.answer?.map(({ value, count: some }) => html`<li key=${value}><a href=${`${page}?activity=${encodeURIComponent(value)}&success=false&last=7d`}><span>${value}</span><b class="num">${count(some)}</b><i style=${{ transform: `scaleX(${some / most})` }}></i></a></li>`)}</ul><//>`;
}

function Slowest() {
  const state = useAnswer(slowest);
  return html`<${Card} title="Slowest tasks" more=${html`<span class="hint">of the newest 1,000 records</span>`} state=${state} empty="No task with a start and an end."><ul class="lines">${state.answer?.map((task) => html`<li key=${task.activity}><a href=${`/log?activity=${encodeURIComponent(task.activity)}`}><span>${task.activity}</span><b class="num">${duration(task.median)}</b><em class="num">longest ${duration(task.longest)}</em></a></li>`)}</ul><//>`;
}

function Missed({ log, page }) {
  const state = useAnswer((stop) => missed(log, stop));
  const { missing = [], watched = [] } = state.answer ?? {};
  return html`<${Card} title="Expected, and did not run" state=${state.answer ? { answer: missing } : state} empty=${watched.length ? `${many(watched.length, 'regular task')} ran in the last 24 hours.` : 'No task runs regularly yet.'}><ul class="lines">${missing.map((run) => html`<li key=${run.activity}><a href=${`${page}?activity=${encodeURIComponent(run.activity)}&last=8d`}><span><${Icon} name="warning" size=${14} />${run.activity}</span><em>ran on ${run.before} of the 7 days before, last ${ago(toText(run.last))}</em></a></li>`)}</ul><//>`;
}

function ProcessCards() {
  const state = useAnswer(processes);
  const { open, failed, slow } = state.answer ?? {};
  const line = (process, note) => html`<li key=${process.id}><a href=${pageOf(process)}><span>${process.activity}</span><em>${process.tenant}</em><b>${note}</b></a></li>`;
  const of = (rows) => (rows ? { answer: rows } : state);
  return html`<${Card} title="Unfinished processes" more=${html`<a href="/processes?status=running">All</a>`} state=${of(open)} empty="No process is running."><ul class="lines">${open?.slice(0, 8).map((process) => line(process, html`<${Status} of=${process.status} /> <span class="num">${duration(Date.now() - toMillis(process.started))}</span>`))}</ul><//>
    <${Card} title="Failed, 7 days" more=${html`<a href="/processes?status=failed">All</a>`} state=${of(failed)} empty="No process failed."><ul class="lines">${failed?.slice(0, 8).map((process) => line(process, html`<${Severity} of=${process.severity} /> <span class="num">${ago(process.started)}</span>`))}</ul><//>
    <${Card} title="Longest, of the newest 100 finished" state=${of(slow)} empty="No process finished."><ul class="lines">${slow?.map((process) => line(process, html`<span class="num">${duration(process.took)}</span>`))}</ul><//>`;
}

function ChainsCard() {
  const { chains, problem } = useChains();
  return html`<${Card} title="Chains" more=${html`<a href="/chains">All</a>`} state=${{ answer: chains, problem }} empty="No chains yet."><table class="table"><tbody>${chains?.slice(0, 12).map((chain) => html`<tr key=${chain.service}><th scope="row">${chain.service}</th><td class="right num">${count(chain.size)}</td><td><code class="hash-short" title=${chain.head}>${chain.head?.slice(0, 10)}…</code></td>${may('auditor') ? html`<td><${Verified} chain=${chain} /></td>` : null}</tr>`)}</tbody></table><//>`;
}

export function Overview() {
  const log = may('auditor') ? 'audit' : may('customer') ? 'customer' : null;
  const page = log === 'audit' ? '/audit' : '/log';
  return html`<div class="page overview"><header class="page-head"><h1>Overview</h1>${may('auditor') ? html`<div class="page-acts"><a class="button" href="/audit/validation"><${Icon} name="shield" /><span>Validate</span></a></div>` : null}</header>
    ${log ? html`<${Tiles} log=${log} page=${page} />` : null}
    <div class="cards">${log ? html`<${Trend} log=${log} page=${page} />` : null}
      ${may('admin') ? html`<${ProcessCards} />` : null}
      ${log ? html`<${Failing} log=${log} page=${page} /><${Missed} log=${log} page=${page} />` : null}
      ${may('customer') ? html`<${Slowest} />` : null}
      ${may('auditor', 'admin') ? html`<${ChainsCard} />` : null}</div></div>`;
}
