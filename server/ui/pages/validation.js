// Validation: recomputes the hash chain of every service over a timeframe, and says for each whether it holds.

import { html, useEffect, useRef, useState } from '../html.js';
import { change, parameters } from '../data/location.js';
import { ask } from '../data/api.js';
import { verify, problemsOf } from '../data/verify.js';
import { filterOf } from '../data/filter.js';
import { useKeys } from '../data/keys.js';
import { Icon } from '../parts/icon.js';
import { Timeframe } from '../parts/timeframe.js';
import { Failure, State } from '../parts/state.js';
import { Menu } from '../parts/menu.js';
import { Verdict, ChainResults, Problems, Progress } from '../parts/report.js';
import { fileOf } from '../data/file.js';

function useServices() {
  const [services, setServices] = useState([]);
  useEffect(() => {
    ask('chains').then((answer) => setServices((answer.chains ?? answer).map((chain) => chain.service)), () => {});
  }, []);
  return services;
}

function ServicePicker({ all, chosen, onChange }) {
  if (!all.length) return null;
  const label = !chosen.length ? 'All services' : chosen.length === 1 ? chosen[0] : `${chosen.length} services`;
  return html`<${Menu} label=${label} icon="chain" class="keep"><div class="check-list" role="group" aria-label="Services">${all.map((service) => html`<label key=${service}><input type="checkbox" checked=${chosen.includes(service)}
    onChange=${() => onChange(chosen.includes(service) ? chosen.filter((one) => one !== service) : [...chosen, service])} />${service}</label>`)}</div><//>`;
}

export function Validation() {
  const filter = filterOf({ last: '7d' });
  const chosen = parameters().getAll('service');
  const services = useServices();
  const [state, setState] = useState({ is: 'ready' });
  const stop = useRef(null);
  useEffect(() => () => stop.current?.abort(), []);

  const run = async () => {
    stop.current?.abort();
    const mine = new AbortController();
    stop.current = mine;
    const asked = { last: filter.last, from: filter.from, to: filter.to, services: chosen };
    setState({ is: 'running', progress: null, asked });
    try {
      const report = await verify(asked, { signal: mine.signal, onProgress: (progress) => mine === stop.current && setState((now) => (now.is === 'running' ? { ...now, progress } : now)) });
      if (mine === stop.current) setState({ is: 'done', report, asked, at: new Date().toISOString() });
    } catch (problem) {
      if (mine !== stop.current) return;
      setState(problem.name === 'AbortError' ? { is: 'ready' } : { is: 'failed', problem });
    }
  };
  const cancel = () => { stop.current?.abort(); stop.current = null; setState({ is: 'ready' }); };
  useKeys({ r: run });
  const isRunning = state.is === 'running';

  return html`<div class="page validation">
    <header class="page-head"><h1>Validation</h1>
      <div class="page-acts no-print">${state.report ? html`<button class="button" onClick=${() => window.print()}><${Icon} name="print" /><span>Print</span></button>
        <button class="button" onClick=${() => fileOf('verification.json', JSON.stringify(state.report, null, 2))}><${Icon} name="download" /><span>JSON</span></button>` : null}</div></header>
    <div class="toolbar no-print"><${Timeframe} filter=${filter} fallback="7d" onChange=${(to) => change(to)} />
      <${ServicePicker} all=${services} chosen=${chosen} onChange=${(service) => change({ service }, { replace: true })} />
      ${isRunning ? html`<button class="button" onClick=${cancel}><${Icon} name="close" />Stop</button>` : html`<button class="button primary" onClick=${run}><${Icon} name="shield" />Validate</button>`}</div>
    ${state.is === 'ready' ? html`<${State} icon="shield" title="Was anything changed?">Every service has a hash chain of its own. Validating recomputes each hash of the entries in the timeframe from the stored bytes, and compares it with the chain. Choose a timeframe, then press Validate.<//>` : null}
    ${isRunning ? html`<${Progress} progress=${state.progress} />` : null}
    ${state.is === 'failed' ? html`<${Failure} problem=${state.problem} onRetry=${run} />` : null}
    ${state.is === 'done' ? html`<${Verdict} report=${state.report} asked=${state.asked} at=${state.at} /><${Problems} problems=${problemsOf(state.report)} /><${ChainResults} report=${state.report} />` : null}
  </div>`;
}
