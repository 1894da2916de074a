// The Customer Log: what was done in one's own accounts and organizations. Filters hold once Display Records is pressed.

import { html, useEffect, useState } from '../html.js';
import { change, parameters } from '../data/location.js';
import { filterOf, windowOf, zoomTo } from '../data/filter.js';
import { useLog, useOpenEntry } from '../data/log.js';
import { keyOf, actorOf, itemOf, generatedAt } from '../data/entry.js';
import { BOXES, boxOf, classesOf } from '../data/severity.js';
import { duration, pieces, toMillis, toText } from '../data/time.js';
import { count } from '../data/number.js';
import { me } from '../data/session.js';
import { focusWhenThere, useKeys } from '../data/keys.js';
import { copy } from '../data/clipboard.js';
import { Icon } from '../parts/icon.js';
import { Rows, isNarrow } from '../parts/rows.js';
import { Severity } from '../parts/severity.js';
import { ArtifactLink } from '../parts/details.js';
import { Histogram } from '../parts/histogram.js';
import { Chips } from '../parts/chips.js';
import { Drawer } from '../parts/drawer.js';
import { LiveSwitch, NewPill } from '../parts/live.js';
import { Export } from '../parts/export.js';
import { State, Damage } from '../parts/state.js';
import { Choice, Moment, Text, useValues } from '../parts/fields.js';

const clockOf = (text) => (text ? html`<time class="num" datetime=${text} title=${text}>${pieces(text).clock}</time>` : html`<span class="none">–</span>`);

function columns() {
  return [
    { name: 'who', class: 'c-who', label: 'Username / Customer / Organization', cell: (row) => html`<span class="who-user">${actorOf(row) || '–'}</span><span class="who-where">${row.tenant}${row.organization ? ` / ${row.organization}` : ''}</span>` },
    { name: 'severity', class: 'c-sev', label: 'Severity', cell: (row) => html`<${Severity} of=${row.severity} />` },
    { name: 'date', class: 'c-date', label: 'Date', cell: (row) => { const { at, isFallback } = generatedAt(row); return html`<time class="num" datetime=${at} title=${isFallback ? `${at}: logged then; the producer gave no time` : at}>${pieces(at).date}${isFallback ? html`<sup aria-label="logged at">L</sup>` : null}</time>`; } },
    { name: 'started', class: 'c-started', label: 'Started', cell: (row) => clockOf(row.started ?? generatedAt(row).at) },
    { name: 'finished', class: 'c-finished', label: 'Finished', cell: (row) => clockOf(row.finished) },
    { name: 'duration', class: 'c-duration', label: 'Duration', cell: (row) => (row.started && row.finished ? html`<span class="num">${duration(toMillis(row.finished) - toMillis(row.started))}</span>` : html`<span class="none">–</span>`) },
    { name: 'source', class: 'c-source', label: 'Source', cell: (row) => row.service },
    { name: 'task', class: 'c-task', label: 'Task', cell: (row) => row.activity },
    { name: 'item', class: 'c-item', label: 'Item', cell: (row) => itemOf(row) || html`<span class="none">–</span>` },
    { name: 'user', class: 'c-user', label: 'User', cell: (row) => row.on_behalf_of || html`<span class="none">–</span>` },
    { name: 'download', class: 'c-download', label: 'Download', cell: (row) => (row.artifact ? html`<${ArtifactLink} entry=${row} isBrief=${true} />` : null) },
  ];
}
const COLUMNS = columns();

const FIELDS = ['severity', 'from', 'to', 'service', 'activity', 'item', 'tenant', 'organization'];
const first = (value) => [value ?? ''].flat()[0];

function draftOf(filter) {
  const draft = Object.fromEntries(FIELDS.map((name) => [name, first(filter[name])]));
  draft.boxes = filter.severity ? [...new Set(filter.severity.split(',').map(boxOf))] : BOXES.map((box) => box.name);
  if (!draft.from && filter.last) draft.from = toText(Math.floor(windowOf(filter).from / 60_000) * 60_000);
  draft.isFromDefault = !filter.from;
  return draft;
}

function Form({ filter, onDisplay, exported }) {
  const key = JSON.stringify(filter);
  const [draft, setDraft] = useState(() => draftOf(filter));
  useEffect(() => setDraft(draftOf(filter)), [key]);
  const set = (changes) => setDraft((now) => ({ ...now, ...changes }));
  const within = { log: 'customer', last: filter.last, from: filter.from, to: filter.to, tenant: draft.tenant || undefined };
  const sources = useValues('service', within);
  const tasks = useValues('activity', { ...within, service: draft.service || undefined });
  const organizations = useValues('organization', within);
  const found = useValues('tenant', { log: 'customer', last: filter.last, from: filter.from, to: filter.to });
  const own = me.value.tenants?.length ? [...new Set([...me.value.tenants, ...(me.value.peers ?? [])])].map((value) => ({ value })) : found.map(({ value }) => ({ value }));
  const display = (event) => {
    event.preventDefault();
    const { boxes, isFromDefault, ...fields } = draft;
    onDisplay({ ...fields, from: isFromDefault && !draft.to ? '' : draft.from, severity: boxes.length ? classesOf(boxes) : undefined });
  };
  return html`<form class="filters" onSubmit=${display} aria-label="Filters">
    <fieldset class="boxes"><legend>Severity</legend>${BOXES.map((box) => html`<label key=${box.name}><input type="checkbox" checked=${draft.boxes.includes(box.name)}
      onChange=${() => set({ boxes: draft.boxes.includes(box.name) ? draft.boxes.filter((one) => one !== box.name) : [...draft.boxes, box.name] })} /><${Severity} of=${box.name} /></label>`)}</fieldset>
    <${Moment} label="Date From" value=${draft.from} onChange=${(from) => set({ from, isFromDefault: false })} />
    <${Moment} label="Date To" value=${draft.to} isEnd=${true} onChange=${(to) => set({ to })} />
    <${Choice} label="Source" value=${draft.service} values=${sources} onChange=${(service) => set({ service })} />
    <${Choice} label="Task" value=${draft.activity} values=${tasks} onChange=${(activity) => set({ activity })} />
    <${Text} label="Item Name" value=${draft.item} placeholder="Website, device, user…" onInput=${(item) => set({ item })} />
    ${own.length === 1 ? html`<${Choice} label="Customer" all=${own[0].value} value="" values=${[]} onChange=${() => {}} />` : html`<${Choice} label="Customer" all="All of mine" value=${draft.tenant} values=${own} onChange=${(tenant) => set({ tenant, organization: '' })} />`}
    <${Choice} label="Organization" all="<All>" value=${draft.organization} values=${organizations} onChange=${(organization) => set({ organization })} />
    <div class="commands"><button class="button primary" disabled=${!draft.boxes.length} title=${draft.boxes.length ? '' : 'Choose at least one severity'}>Display Records</button><${Export} filter=${exported} label="Export Log" /></div>
  </form>`;
}

export function CustomerLog() {
  const filter = filterOf({ log: 'customer', last: '7d', order: 'desc' });
  const { order, ...asked } = filter;
  const isLive = parameters().get('live') === '1';
  const log = useLog(filter, { isLive });
  const { list } = log;
  const entry = useOpenEntry(list, JSON.stringify(filter));
  const [total, setTotal] = useState(null);
  const [isOpen, setOpen] = useState(!isNarrow.value);
  log.isHeld.current = Boolean(entry.named) || entry.at >= 0;
  const refilter = (changes) => change({ ...changes, entry: null });
  const toggleLive = () => change(isLive ? { live: null } : { live: '1', from: null, to: null });
  useKeys({
    j: () => entry.step(1), k: () => entry.step(-1), r: () => log.refresh(), t: toggleLive, Enter: entry.openHere,
    '/': () => { setOpen(true); focusWhenThere('.filters input[type=text]'); },
    c: () => (entry.at >= 0 ? copy(JSON.stringify(list.row(entry.at), null, 2), 'Copied as JSON') : false),
    Escape: () => (entry.at >= 0 && !entry.named ? entry.setAt(-1) : false),
  });
  return html`<div class=${`page log-page ${entry.named ? 'with-drawer' : ''}`}>
    <header class="page-head"><h1>Customer Log</h1><div class="page-acts">
      <button class="button only-narrow-filters" aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)}><${Icon} name="filter" /><span>Filters</span></button>
      <${LiveSwitch} state=${log.tail.state.value} isOn=${isLive} onToggle=${toggleLive} />
      <button class="button square" title="Refresh (r)" aria-label="Refresh" onClick=${log.refresh}><${Icon} name="refresh" class=${list.isLoading.value ? 'turning' : ''} /></button></div></header>
    ${isOpen ? html`<${Form} filter=${filter} exported=${filter} onDisplay=${(changes) => { refilter(changes); log.refresh(); }} />` : null}
    <${Chips} filter=${filter} onChange=${refilter} without=${['severity', 'service', 'activity', 'tenant', 'organization']} />
    <${Histogram} filter=${asked} version=${log.version.value} onZoom=${(a, b) => refilter({ ...zoomTo(a, b), live: null })} onTotal=${setTotal} />
    <div class="sum"><span aria-live="polite">${total === null ? '' : html`<b class="num">${count(total)}</b> ${total === 1 ? 'record' : 'records'}`}</span>
      ${filter.from || filter.to ? html`<button class="link" onClick=${() => refilter({ from: null, to: null })}>Back to the last 7 days</button>` : null}</div>
    <${Damage} problems=${list.damage.value} />
    <div class="log-body plain"><div class="log-list"><${NewPill} count=${log.arrived.value} onTake=${() => { log.takePending(); entry.setAt(-1); const grid = document.querySelector('.rows.customer'); if (grid) grid.scrollTop = 0; }} />
      <${Rows} list=${list} kind="customer" label="Customer log" columns=${COLUMNS} keyOf=${keyOf} rowHeight=${44} narrowHeight=${66} at=${entry.at} openKey=${entry.named}
        onMove=${(to) => (entry.named ? entry.open(list.row(to), to) : entry.setAt(to))} onOpen=${entry.open} onScroll=${(top) => { log.isAtTop.current = top < 4; }}
        empty=${html`<${State} icon="log" title="No records match">Nothing was recorded with these filters${filter.last ? ' in the last 7 days' : ''}. Set an earlier Date From, choose all severities, or take off Source, Task and Item Name, then press Display Records.<//>`} /></div></div>
    ${entry.named ? html`<${Drawer} entry=${entry.entry} problem=${entry.problem} log="customer" onClose=${entry.close} onStep=${entry.step} onOpen=${(row) => entry.open(row)} onFilter=${refilter} hasPrevious=${entry.hasPrevious} hasNext=${entry.hasNext} />` : null}
  </div>`;
}
