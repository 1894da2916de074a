// What a reader prefers on this device: theme and time zone. The zone of the address goes before.

import { signal, computed } from '../html.js';
import { parameters, change } from './location.js';

const read = (name) => {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
};

const write = (name, value) => {
  try {
    if (value) localStorage.setItem(name, value);
    else localStorage.removeItem(name);
  } catch {
    // Storage may be switched off; the choice then holds for this page only.
  }
};

/** `''` follows the system. */
export const theme = signal(read('sealog.theme') ?? '');

export const isDark = computed(() =>
  theme.value ? theme.value === 'dark' : systemIsDark.value);

const system = window.matchMedia('(prefers-color-scheme: dark)');
const systemIsDark = signal(system.matches);
system.addEventListener('change', () => { systemIsDark.value = system.matches; });

export function chooseTheme(name) {
  theme.value = name;
  write('sealog.theme', name);
  if (name) document.documentElement.dataset.theme = name;
  else delete document.documentElement.dataset.theme;
}

export const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
const preferredZone = signal(read('sealog.zone') ?? '');

export function isZone(name) {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }));
  } catch {
    return false;
  }
}

export const zone = computed(() => {
  const named = parameters().get('tz');
  if (named && isZone(named)) return named;
  return preferredZone.value && isZone(preferredZone.value) ? preferredZone.value : ownZone;
});

export function chooseZone(name) {
  preferredZone.value = name === ownZone ? '' : name;
  write('sealog.zone', preferredZone.value);
  change({ tz: name }, { replace: true });
}
