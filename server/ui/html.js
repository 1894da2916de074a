// What every page is written with: Preact's elements through htm, signals, hooks. The one place that names vendored files.

import { h, render, Fragment } from './vendor/preact.js';
import htm from './vendor/htm.js';

export const html = htm.bind(h);
export { h, render, Fragment };
export { signal, computed, effect, batch, untracked, useSignal, useComputed, useSignalEffect } from './vendor/signals.js';
export { useEffect, useLayoutEffect, useMemo, useRef, useState, useCallback, useId } from './vendor/hooks.js';
