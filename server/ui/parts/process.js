// The facts of a process, and what can be done with it: cancel, resolve all, copy.

import { html, useEffect, useRef, useState } from '../html.js';
import { cancel, cancelling, isOver } from '../data/process.js';
import { idsOf, resolve } from '../data/names.js';
import { copy } from '../data/clipboard.js';
import { duration, toMillis } from '../data/time.js';
import { count } from '../data/number.js';
import { Icon } from './icon.js';
import { Severity, Status } from './severity.js';
import { Named } from './named.js';
import { When } from './details.js';
import { Dialog } from './dialog.js';
import { say } from './toast.js';

function Fact({ label, children }) {
  return html`<div class="fact"><dt>${label}</dt><dd>${children ?? html`<span class="none">–</span>`}</dd></div>`;
}

function Connection({ process }) {
  const link = process.test_link;
  return html`<div class="banner warn"><${Icon} name="warning" /><div><strong>A connection error occurred.</strong> ${link ? html`<a href=${link} target="_blank" rel="noreferrer">Open the configuration and use “Test connection”</a> to see more details.` : html`Open the configuration${process.configuration_id ? html` <code>${process.configuration_id}</code>` : ''} and use “Test connection” to see more details.`}</div></div>`;
}

export function ProcessFacts({ process, connection }) {
  const took = (process.finished ? toMillis(process.finished) : Date.now()) - toMillis(process.started);
  const isLate = process.finished && process.last_logged_at && toMillis(process.last_logged_at) > toMillis(process.finished) + 1000;
  return html`<dl class="facts-row" aria-label="Process details">
      <${Fact} label="Status"><${Status} of=${process.status} /><//>
      <${Fact} label="Severity"><${Severity} of=${process.severity} /><//>
      <${Fact} label="Timestamp"><${When} at=${process.started} note="" /><//>
      <${Fact} label="Finished">${process.finished ? html`<${When} at=${process.finished} note=${`took ${duration(took)}`} />` : html`<span class="hint">not yet, since ${duration(took)}</span>`}<//>
      <${Fact} label="Request ID">${process.request_id ? html`<span class="named"><code>${process.request_id}</code><button class="resolve" aria-label="Copy Request ID" onClick=${() => copy(process.request_id, 'Request ID copied')}><${Icon} name="copy" size=${14} /></button></span>` : null}<//>
      <${Fact} label="Configuration">${process.configuration_id ? html`<${Named} id=${process.configuration_id} tenant=${process.tenant} />` : null}<//>
      <${Fact} label="Customer">${process.tenant}${process.organization ? html` <span class="hint">${process.organization}</span>` : null}<//>
      <${Fact} label="Process ID"><code>${process.id}</code><//>
      ${process.parent ? html`<${Fact} label="Part of"><a href=${`/processes/${encodeURIComponent(process.parent)}?tenant=${encodeURIComponent(process.tenant)}`}>${process.parent}</a><//>` : null}</dl>
    ${isLate ? html`<p class="facts-note"><${Icon} name="information" size=${14} />Sub-processes logged messages after the process itself had finished; more may come.</p>` : null}
    ${connection ? html`<${Connection} process=${process} />` : null}`;
}

function Resolving({ readMessages, process, onDone }) {
  const [told, setTold] = useState({ words: 'Reading messages', part: null });
  const stop = useRef(new AbortController());
  useEffect(() => {
    const options = { signal: stop.current.signal };
    (async () => {
      const messages = await readMessages({ ...options, onProgress: (some) => setTold({ words: `Reading messages: ${count(some)}`, part: null }) });
      const ids = new Set([process.configuration_id].filter(Boolean));
      for (const message of messages) for (const id of idsOf(message)) ids.add(id);
      const asked = await resolve([...ids], { ...options, tenant: process.tenant, onProgress: (done, all) => setTold({ words: `Resolving ${count(done)} of ${count(all)} IDs`, part: all ? done / all : 1 }) });
      say(asked ? `${count(ids.size)} IDs resolved` : 'All IDs were resolved already');
    })().catch((problem) => { if (problem.name !== 'AbortError') say(problem.message); }).finally(onDone);
    return () => stop.current.abort();
  }, []);
  return html`<span class="resolving" role="status"><progress max="1" value=${told.part ?? undefined} aria-label="Resolving IDs"></progress><span class="num">${told.words}</span>
    <button class="button quiet square" aria-label="Stop resolving" onClick=${() => stop.current.abort()}><${Icon} name="close" size=${12} /></button></span>`;
}

function Cancel({ process, onChanged }) {
  const [isAsked, setAsked] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const { isAllowed, link } = cancelling(process);
  const doIt = async () => {
    setBusy(true);
    try {
      await cancel(process);
      say('The service was asked to cancel the process');
      setAsked(false);
      onChanged();
    } catch (problem) {
      say(problem.message);
    }
    setBusy(false);
  };
  if (isOver(process)) return null;
  if (link) return html`<a class="button" href=${link} target="_blank" rel="noreferrer" title="A process of this type is cancelled on another page"><${Icon} name="link" /><span>Cancel it where it was started</span></a>`;
  if (process.cancel_requested) return html`<button class="button" disabled><${Icon} name="clock" /><span>Cancel requested</span></button>`;
  if (!isAllowed) return html`<button class="button" disabled title="Processes of this type cannot be cancelled"><${Icon} name="close" /><span>Cancel</span></button>`;
  return html`<button class="button danger" onClick=${() => setAsked(true)}><${Icon} name="close" /><span>Cancel process</span></button>
    ${isAsked ? html`<${Dialog} title="Cancel this process?" onClose=${() => setAsked(false)}><div class="dialog-text"><p>${process.activity} of ${process.tenant} is asked to stop. The service decides when it does; what was done already stays. The request is recorded in the log.</p>
      <div class="dialog-acts"><button class="button" onClick=${() => setAsked(false)}>Keep it running</button><button class="button primary" disabled=${isBusy} onClick=${doIt}>Cancel process</button></div></div><//>` : null}`;
}

export function ProcessActs({ process, readMessages, onChanged }) {
  const [isResolving, setResolving] = useState(false);
  const [isCopying, setCopying] = useState(false);
  const copyAll = async () => {
    setCopying(true);
    try {
      await copy(JSON.stringify({ process, messages: await readMessages({ most: 20_000 }) }, null, 2), 'Process copied as JSON');
    } catch (problem) {
      say(problem.message);
    }
    setCopying(false);
  };
  return html`<div class="page-acts">${isResolving ? html`<${Resolving} readMessages=${readMessages} process=${process} onDone=${() => setResolving(false)} />`
    : html`<button class="button" title="Show names beside all IDs" onClick=${() => setResolving(true)}><${Icon} name="eye" /><span>Resolve All</span></button>`}
    <button class="button" disabled=${isCopying} title="Copy the process and its messages as JSON" onClick=${copyAll}><${Icon} name="copy" /><span>${isCopying ? 'Copying…' : 'Copy as JSON'}</span></button>
    <${Cancel} process=${process} onChanged=${onChanged} /></div>`;
}
