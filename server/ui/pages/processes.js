// The Process Log: technical processes, newest first.

import { html, useEffect, useMemo, useRef, useState } from '../html.js';
import { change, go, parameters } from '../data/location.js';
import { createList } from '../data/list.js';
import { fetchProcesses, isOver, keyOf, pageOf } from '../data/process.js';
import { duration, toMillis } from '../data/time.js';
import { count } from '../data/number.js';
import { focusWhenThere, useKeys } from '../data/keys.js';
import { CLASSES, LABELS } from '../data/severity.js';
import { Icon } from '../parts/icon.js';
import { Rows } from '../parts/rows.js';
import { Severity, Status, STATUSES } from '../parts/severity.js';
import { TimeCell } from '../parts/columns.js';
import { State } from '../parts/state.js';
import { Choice, Labelled, Moment, useValues } from '../parts/fields.js';

const NAMES = ['activity', 'status', 'request_id', 'configuration_id', 'min_severity', 'tenant', 'from', 'to', 'finished_from', 'finished_to'];

function filterHere() {
  const found = parameters();
  return Object.fromEntries(NAMES.filter((name) => found.get(name)).map((name) => [name, found.getAll(name).length > 1 ? found.getAll(name) : found.get(name)]));
}

const COLUMNS = [
  { name: 'status', class: 'c-status', label: 'Status', cell: (row) => html`<${Status} of=${row.status} />` },
  { name: 'severity', class: 'c-sev', label: 'Severity', cell: (row) => html`<${Severity} of=${row.severity} />` },
  { name: 'type', class: 'c-task', label: 'Process Type', cell: (row) => html`<a class="plain" tabindex="-1" href=${pageOf(row)}>${row.activity}</a>` },
  { name: 'tenant', class: 'c-tenant', label: 'Customer', cell: (row) => row.tenant },
  { name: 'request', class: 'c-request', label: 'Request ID', cell: (row) => (row.request_id ? html`<code title=${row.request_id}>${row.request_id}</code>` : html`<span class="none">–</span>`) },
  { name: 'configuration', class: 'c-configuration', label: 'Configuration', cell: (row) => (row.configuration_id ? html`<code>${row.configuration_id}</code>` : html`<span class="none">–</span>`) },
  { name: 'started', class: 'c-time', label: 'Timestamp', cell: (row) => html`<${TimeCell} at=${row.started} hasFraction=${false} />` },
  { name: 'finished', class: 'c-finished', label: 'Finished', cell: (row) => html`<${TimeCell} at=${row.finished} hasFraction=${false} />` },
  { name: 'duration', class: 'c-duration', label: 'Duration', cell: (row) => html`<span class="num">${duration((row.finished ? toMillis(row.finished) : Date.now()) - toMillis(row.started))}</span>` },
  { name: 'messages', class: 'c-count', label: 'Messages', cell: (row) => html`<span class="num">${row.entries === undefined ? '' : count(row.entries)}</span>` },
  { name: 'actions', class: 'c-actions', label: 'Actions', cell: (row) => html`<a class="button quiet small" tabindex="-1" href=${pageOf(row)} aria-label=${`Details of ${row.activity}`}>Details</a>` },
];

const one = (value) => [value ?? ''].flat()[0];

function Filters({ filter, onChange }) {
  const types = useValues('activity', { log: 'process' });
  const [ids, setIds] = useState({});
  useEffect(() => setIds({ request_id: one(filter.request_id), configuration_id: one(filter.configuration_id) }), [filter.request_id, filter.configuration_id]);
  const send = () => { if (ids.request_id !== one(filter.request_id) || ids.configuration_id !== one(filter.configuration_id)) onChange({ request_id: ids.request_id.trim(), configuration_id: ids.configuration_id.trim() }); };
  const id = (name, label) => html`<${Labelled} label=${label}><input type="text" name=${name} value=${ids[name] ?? ''} placeholder="Whole ID" autocomplete="off" spellcheck=${false} onInput=${(event) => setIds({ ...ids, [name]: event.target.value })} onBlur=${send} /><//>`;
  return html`<form class="filters processes-filters" aria-label="Search and filters" onSubmit=${(event) => { event.preventDefault(); send(); }}>
    <${Choice} label="Process Type" value=${one(filter.activity)} values=${types.map(({ value }) => ({ value }))} onChange=${(activity) => onChange({ activity })} />
    ${id('request_id', 'Request ID')}${id('configuration_id', 'Configuration')}
    <${Labelled} label="Minimum severity"><select value=${filter.min_severity ?? ''} onChange=${(event) => onChange({ min_severity: event.target.value })}><option value="">Any</option>${CLASSES.slice(2).map((name) => html`<option key=${name} value=${name}>${LABELS[name]}</option>`)}</select><//>
    <${Labelled} label="Status"><select value=${one(filter.status)} onChange=${(event) => onChange({ status: event.target.value })}><option value="">Any</option>${STATUSES.map(({ name, label }) => html`<option key=${name} value=${name}>${label}</option>`)}</select><//>
    <${Moment} label="Timestamp from" value=${filter.from} onChange=${(from) => onChange({ from })} />
    <${Moment} label="Timestamp to" value=${filter.to} isEnd=${true} onChange=${(to) => onChange({ to })} />
    <${Moment} label="Finished from" value=${filter.finished_from} onChange=${(from) => onChange({ finished_from: from })} />
    <${Moment} label="Finished to" value=${filter.finished_to} isEnd=${true} onChange=${(to) => onChange({ finished_to: to })} />
    <button class="away" tabindex="-1">Apply</button></form>`;
}

export function Processes() {
  const filter = filterHere();
  const key = JSON.stringify(filter);
  const latest = useRef(filter);
  latest.current = filter;
  const list = useMemo(() => createList((page) => fetchProcesses(latest.current)(page)), []);
  const [at, setAt] = useState(-1);
  const [isOpen, setOpen] = useState(false);
  const isAtTop = useRef(true);
  useEffect(() => { setAt(-1); list.reset(); }, [key]);
  useEffect(() => () => list.close(), []);
  // What runs moves on: while it is seen, the list is read anew.
  useEffect(() => {
    const timer = setInterval(() => {
      const isMoving = Array.from({ length: Math.min(50, list.size.value) }, (_, index) => list.row(index)).some((row) => row && !isOver(row));
      if (isMoving && isAtTop.current && !document.hidden && !list.isLoading.value && !list.problem.value) list.reset({ keep: true });
    }, 4000);
    return () => clearInterval(timer);
  }, []);
  const refilter = (changes) => change(changes);
  const open = (row) => row && go(pageOf(row));
  const step = (by) => setAt((now) => Math.max(0, Math.min(list.size.value - 1, now + by)));
  useKeys({ '/': () => { setOpen(true); focusWhenThere('[name=request_id]'); }, j: () => step(1), k: () => step(-1), r: () => list.reset({ keep: true }), Enter: () => (at >= 0 ? open(list.row(at)) : false), Escape: () => (at >= 0 ? setAt(-1) : false) });
  const inForce = Object.keys(filter).length;
  return html`<div class="page log-page"><header class="page-head"><h1>Process Log</h1>
    <div class="page-acts"><button class="button only-narrow-filters keep" aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)}><${Icon} name="filter" /><span>Filters</span></button>
      ${inForce ? html`<button class="button" onClick=${() => refilter(Object.fromEntries(NAMES.map((name) => [name, null])))}>Clear filters</button>` : null}
      <button class="button square" title="Refresh (r)" aria-label="Refresh" onClick=${() => list.reset({ keep: true })}><${Icon} name="refresh" class=${list.isLoading.value ? 'turning' : ''} /></button></div></header>
    <div class=${`filters-place ${isOpen ? 'open' : ''}`}><${Filters} filter=${filter} onChange=${refilter} /></div>
    <div class="log-body plain"><div class="log-list"><${Rows} list=${list} kind="processes" label="Process log" columns=${COLUMNS} keyOf=${keyOf} at=${at} onMove=${setAt} onOpen=${open} rowHeight=${36} narrowHeight=${66} onScroll=${(top) => { isAtTop.current = top < 4; }}
      empty=${html`<${State} icon="process" title="No processes">${inForce ? 'No process matches these filters. Take some off, or widen the times.' : 'Nothing ran yet. A process appears here as soon as a service logs an entry with a process ID.'}<//>`} /></div></div></div>`;
}
