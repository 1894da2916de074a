// The Audit Log: what was done, by whom, when; ordered by the time at which it was logged.

import { html, useState } from '../html.js';
import { change } from '../data/location.js';
import { filterOf, windowOf, zoomTo } from '../data/filter.js';
import { useLog, useOpenEntry } from '../data/log.js';
import { actorOf, keyOf } from '../data/entry.js';
import { count } from '../data/number.js';
import { useKeys } from '../data/keys.js';
import { copy } from '../data/clipboard.js';
import { parameters } from '../data/location.js';
import { Icon } from '../parts/icon.js';
import { Rows } from '../parts/rows.js';
import { Severity } from '../parts/severity.js';
import { TimeCell } from '../parts/columns.js';
import { Highlight } from '../parts/highlight.js';
import { Timeframe } from '../parts/timeframe.js';
import { Search } from '../parts/search.js';
import { Histogram } from '../parts/histogram.js';
import { Facets } from '../parts/facets.js';
import { Chips } from '../parts/chips.js';
import { Drawer } from '../parts/drawer.js';
import { LiveSwitch, NewPill } from '../parts/live.js';
import { Export } from '../parts/export.js';
import { State, Damage } from '../parts/state.js';

const yesNo = (value) => (value === 'true' ? 'Yes' : value === 'false' ? 'No' : value);
const FACETS = [
  { field: 'service', label: 'Service' }, { field: 'activity', label: 'Activity' }, { field: 'success', label: 'Success', show: yesNo },
  { field: 'tenant', label: 'Customer' }, { field: 'actor_id', label: 'Actor ID' },
];

function columns(filter, isDescending, onOrder, onDetails) {
  const head = html`<button class="sort" title=${isDescending ? 'Newest first; click for oldest first' : 'Oldest first; click for newest first'} onClick=${onOrder}>Logged at<${Icon} name=${isDescending ? 'descending' : 'ascending'} size=${12} /></button>`;
  return [
    { name: 'severity', class: 'c-severity', label: html`<span class="away">Severity</span>`, cell: (row) => html`<${Severity} of=${row.severity} isBrief=${true} />` },
    { name: 'time', class: 'c-time', head, sort: isDescending ? 'descending' : 'ascending', cell: (row) => html`<${TimeCell} at=${row.logged_at} />` },
    { name: 'activity', class: 'c-activity', label: 'Activity', cell: (row) => html`<${Highlight} text=${row.activity} find=${filter.search} />` },
    { name: 'actor', class: 'c-actor', label: 'Actor', cell: (row) => actorOf(row) || html`<span class="none">–</span>` },
    { name: 'message', class: 'c-message', label: 'Message', cell: (row) => html`${row.success === false ? html`<span class="unsuccess">Failed</span> ` : null}<${Highlight} text=${row.message} find=${filter.search} />` },
    { name: 'service', class: 'c-service', label: 'Service', cell: (row) => row.service },
    { name: 'actions', class: 'c-actions', label: 'Actions', cell: (row, index) => html`<button class="button quiet small" tabindex="-1" aria-label=${`Details of ${row.activity}`} onClick=${() => onDetails(row, index)}>Details</button>` },
  ];
}

export function Audit() {
  const filter = filterOf({ log: 'audit', last: '1d', order: 'desc' });
  const isDescending = filter.order !== 'asc';
  const isLive = parameters().get('live') === '1' && isDescending;
  const log = useLog(filter, { isLive });
  const { list } = log;
  const entry = useOpenEntry(list, JSON.stringify(filter));
  const [total, setTotal] = useState(null);
  const [hasFacets, setFacets] = useState(false);
  log.isHeld.current = Boolean(entry.named) || entry.at >= 0;
  const refilter = (changes) => change({ ...changes, entry: null });
  const { order, ...asked } = filter;
  const toggleLive = () => change(isLive ? { live: null } : { live: '1', order: null, to: null, from: null });
  const takeNew = () => { log.takePending(); entry.setAt(-1); const grid = document.querySelector('.rows.audit'); if (grid) grid.scrollTop = 0; };

  useKeys({
    j: () => entry.step(1), k: () => entry.step(-1), r: () => log.refresh(), t: toggleLive,
    Enter: entry.openHere,
    c: () => (entry.at >= 0 ? copy(JSON.stringify(list.row(entry.at), null, 2), 'Copied as JSON') : false),
    Escape: () => (entry.at >= 0 && !entry.named ? entry.setAt(-1) : false),
  });

  const from = windowOf(filter);
  return html`<div class=${`page log-page ${entry.named ? 'with-drawer' : ''}`}>
    <header class="page-head"><h1>Audit Log</h1>
      <div class="page-acts"><${LiveSwitch} state=${log.tail.state.value} isOn=${isLive} onToggle=${toggleLive} />
        <a class="button" href=${`/audit/validation?${new URLSearchParams(filter.last ? { last: filter.last } : { from: filter.from ?? '', to: filter.to ?? '' })}`}><${Icon} name="shield" /><span>Validate</span></a>
        <${Export} filter=${filter} /></div></header>
    <div class="toolbar"><button class="button only-narrow-facets" aria-expanded=${hasFacets} onClick=${() => setFacets(!hasFacets)}><${Icon} name="filter" />Filters</button>
      <${Search} value=${filter.search} label="Search message and activity" placeholder="Search message and activity" onChange=${(search) => refilter({ search })} />
      <${Timeframe} filter=${filter} onChange=${refilter} />
      <button class="button square" title="Refresh (r)" aria-label="Refresh" onClick=${log.refresh}><${Icon} name="refresh" class=${list.isLoading.value ? 'turning' : ''} /></button></div>
    <${Chips} filter=${filter} onChange=${refilter} />
    <${Histogram} filter=${asked} version=${log.version.value} onZoom=${(a, b) => refilter({ ...zoomTo(a, b), live: null })} onTotal=${setTotal} />
    <div class="sum"><span aria-live="polite">${total === null ? '' : html`<b class="num">${count(total)}</b> ${total === 1 ? 'entry' : 'entries'}`}</span></div>
    <${Damage} problems=${list.damage.value} />
    <div class=${`log-body ${hasFacets ? 'facets-open' : ''}`}>
      <${Facets} filter=${asked} version=${log.version.value} fields=${FACETS} onChange=${refilter} />
      <div class="log-list"><${NewPill} count=${log.arrived.value} onTake=${takeNew} />
        <${Rows} list=${list} kind="audit" label="Audit log" columns=${columns(filter, isDescending, () => refilter({ order: isDescending ? 'asc' : null, live: null }), entry.open)} keyOf=${keyOf} at=${entry.at} openKey=${entry.named}
          onMove=${(to) => (entry.named ? entry.open(list.row(to), to) : entry.setAt(to))} onOpen=${entry.open} onScroll=${(top) => { log.isAtTop.current = top < 4; }}
          rowClass=${(row) => (row.success === false ? 'unsuccessful' : '')}
          empty=${html`<${State} title="No entries in this timeframe" action=${html`<button class="button" onClick=${() => refilter({ last: '30d', from: null, to: null })}>Look at 30 days</button>`}>
            Nothing was logged ${filter.search ? `that includes “${filter.search}” ` : ''}between ${new Date(from.from).toLocaleDateString()} and now with these filters. Widen the timeframe, or take filters off.<//>`} /></div>
    </div>
    ${entry.named ? html`<${Drawer} entry=${entry.entry} problem=${entry.problem} log="audit" onClose=${entry.close} onStep=${entry.step} onOpen=${(row) => entry.open(row)} onFilter=${(changes) => refilter(changes)} hasPrevious=${entry.hasPrevious} hasNext=${entry.hasNext} />` : null}
  </div>`;
}
