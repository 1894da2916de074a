// Talks to the server: JSON, problem documents, streams of events. Knows no page.

import { signal } from '../html.js';

/** Counts refusals for want of a key: whoever watches it shows the way to sign in. */
export const refusedForKey = signal(0);

/** A refusal or failure in words that a page can show: RFC 9457's fields, or what the network said. */
export class Problem extends Error {
  constructor({ status = 0, title = '', detail = '', field = '' }) {
    super(detail || title || 'The server gave no reason.');
    this.status = status;
    this.title = title;
    this.field = field;
  }
}

/** Turns `{service: ['a', 'b'], last: '1h'}` into a query; lists repeat the name. */
export function toQuery(values = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const one of [value].flat()) if (one !== undefined && one !== null && one !== '') query.append(name, String(one));
  }
  const text = query.toString();
  return text ? `?${text}` : '';
}

export const address = (route, values) => `/api/v1/${route}${toQuery(values)}`;

async function send(route, { values, method, body, accept = 'application/json', signal: stop } = {}) {
  const headers = { Accept: accept };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let answer;
  try {
    answer = await fetch(address(route, values), {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: stop,
      credentials: 'same-origin',
    });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Problem({ title: 'The server did not answer', detail: 'Check that it runs and that you are connected, then try again.' });
  }
  if (!answer.ok) {
    const problem = await problemOf(answer);
    if (answer.status === 401) refusedForKey.value += 1;
    throw problem;
  }
  return answer;
}

export async function problemOf(answer) {
  const said = await answer.json().catch(() => ({}));
  const problem = new Problem({ title: answer.statusText, ...said, status: answer.status });
  const pause = Number(answer.headers.get('Retry-After'));
  if (pause > 0) problem.retryAfter = pause;
  return problem;
}

export async function ask(route, options) {
  const answer = await send(route, options);
  if (answer.status === 204) return null;
  const text = await answer.text();
  return text ? JSON.parse(text) : null;
}

/** Reads a stream of server-sent events that answers a request with a body, which EventSource cannot send. */
export async function* events(route, options) {
  const answer = await send(route, { ...options, accept: 'text/event-stream' });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    rest += (value ?? '').replaceAll('\r\n', '\n');
    const frames = rest.split('\n\n');
    rest = done ? '' : frames.pop();
    for (const frame of frames) {
      const event = parseEvent(frame);
      if (event) yield event;
    }
    if (done) return;
  }
}

function parseEvent(frame) {
  const event = { name: 'message', data: '' };
  for (const line of frame.split('\n')) {
    const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
    if (field === 'event') event.name = value;
    if (field === 'data') event.data += (event.data ? '\n' : '') + value;
  }
  return event.data ? { name: event.name, data: JSON.parse(event.data) } : null;
}
