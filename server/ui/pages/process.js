// One process: what it is, how far it is, and its messages with those of its sub-processes, as they come.

import { html, useEffect, useMemo, useRef, useState } from '../html.js';
import { ask } from '../data/api.js';
import { change, parameters } from '../data/location.js';
import { createList } from '../data/list.js';
import { keyOf as entryKey } from '../data/entry.js';
import { allMessages, fetchMessages, isConnectionError, isOver, routeOf } from '../data/process.js';
import { useKeys } from '../data/keys.js';
import { CLASSES, LABELS } from '../data/severity.js';
import { Icon } from '../parts/icon.js';
import { Rows } from '../parts/rows.js';
import { Severity } from '../parts/severity.js';
import { TimeCell } from '../parts/columns.js';
import { WithNames } from '../parts/named.js';
import { Drawer } from '../parts/drawer.js';
import { State, Failure, Loading } from '../parts/state.js';
import { ProcessFacts, ProcessActs } from '../parts/process.js';
import { useOpenEntry } from '../data/log.js';

const POLL_MS = 2000;

const COLUMNS = [
  { name: 'severity', class: 'c-severity', label: html`<span class="away">Severity</span>`, cell: (row) => html`<${Severity} of=${row.severity} isBrief=${true} />` },
  { name: 'time', class: 'c-time', label: 'Time', cell: (row) => html`<${TimeCell} at=${row.generated_at ?? row.logged_at} isFallback=${!row.generated_at} />` },
  { name: 'event', class: 'c-event', label: 'Part', cell: (row) => html`${row.process?.parent ? html`<span class="badge" title=${row.process.id}>${row.activity}</span>` : null}${row.process?.event && row.process.event !== 'message' ? html`<span class=${`badge ${row.process.event === 'failed' ? 'bad' : row.process.event === 'finished' ? 'good' : ''}`}>${row.process.event.replaceAll('_', ' ')}</span>` : null}` },
  { name: 'message', class: 'c-message', label: 'Message', cell: (row) => html`<${WithNames} text=${row.message ?? row.activity} tenant=${row.tenant} />` },
];

function useProcess(id, tenant) {
  const [process, setProcess] = useState(null);
  const [problem, setProblem] = useState(null);
  const read = () => ask(routeOf(id), { values: { tenant } }).then((found) => { setProcess(found); setProblem(null); }, (error) => setProblem(error));
  useEffect(() => { read(); }, [id, tenant]);
  return { process, problem, read };
}

export function ProcessPage({ id }) {
  const tenant = parameters().get('tenant') ?? undefined;
  const least = parameters().get('min_severity') ?? '';
  const { process, problem, read } = useProcess(id, tenant);
  const values = { tenant, min_severity: least || undefined };
  const latest = useRef(values);
  latest.current = values;
  const list = useMemo(() => createList((page) => fetchMessages(id, latest.current)(page)), [id]);
  const entry = useOpenEntry(list);
  useEffect(() => { list.reset(); }, [least, id]);
  useEffect(() => () => list.close(), []);
  // Messages of sub-processes may come after the process itself has finished, so this goes on.
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.hidden) return;
      list.poll();
      if (process && !isOver(process)) read();
    }, POLL_MS);
    return () => clearInterval(timer);
  }, [process?.status]);
  const refresh = () => { read(); return list.reset({ keep: true }); };
  useKeys({ j: () => entry.step(1), k: () => entry.step(-1), r: refresh, Enter: entry.openHere, Escape: () => (entry.at >= 0 && !entry.named ? entry.setAt(-1) : false) });

  if (problem && !process) return html`<div class="page"><header class="page-head"><a class="back" href="/processes"><${Icon} name="left" />Process Log</a></header><${Failure} problem=${problem} onRetry=${read} /></div>`;
  if (!process) return html`<${Loading} label="Reading the process" />`;
  const connection = Array.from({ length: Math.min(list.size.value, 2000) }, (_, at) => list.row(at)).find((row) => row && isConnectionError(row));
  return html`<div class=${`page log-page process-page ${entry.named ? 'with-drawer' : ''}`}>
    <header class="page-head"><div class="titles"><a class="back" href="/processes"><${Icon} name="left" size=${12} />Process Log</a><h1>${process.activity}</h1></div>
      <${ProcessActs} process=${process} tenant=${tenant} readMessages=${(options) => allMessages(id, { tenant }, options)} onChanged=${refresh} /></header>
    <${ProcessFacts} process=${process} connection=${connection} />
    <div class="toolbar messages-bar"><h2>Messages</h2><label class="inline">Minimum severity <select value=${least} onChange=${(event) => change({ min_severity: event.target.value }, { replace: true })}><option value="">All</option>${CLASSES.slice(2).map((name) => html`<option key=${name} value=${name}>${LABELS[name]}</option>`)}</select></label>
      <button class="button square" title="Refresh (r)" aria-label="Refresh" onClick=${refresh}><${Icon} name="refresh" class=${list.isLoading.value ? 'turning' : ''} /></button></div>
    <div class="log-body plain"><div class="log-list"><${Rows} list=${list} kind="messages" label="Messages" columns=${COLUMNS} keyOf=${entryKey} at=${entry.at} openKey=${entry.named} onMove=${(to) => (entry.named ? entry.open(list.row(to), to) : entry.setAt(to))} onOpen=${entry.open}
      empty=${html`<${State} icon="log" title="No messages">${least ? `No message is of severity ${LABELS[least]} or higher. Choose a lower minimum.` : 'The process has not said anything yet.'}<//>`} /></div></div>
    ${entry.named ? html`<${Drawer} entry=${entry.entry} problem=${entry.problem} log="process" onClose=${entry.close} onStep=${entry.step} onOpen=${(row) => entry.open(row)} hasPrevious=${entry.hasPrevious} hasNext=${entry.hasNext} />` : null}</div>`;
}
