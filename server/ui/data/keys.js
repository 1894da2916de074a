// Keys without modifiers. The last to ask for a key gets it, and what is typed into a field is never taken.

import { useEffect, useRef } from '../html.js';

const layers = [];

const isTyping = (element) =>
  element instanceof Element && (element.matches('input:not([type=checkbox],[type=radio]), textarea, select') || element.isContentEditable);

document.addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (isTyping(event.target) && event.key !== 'Escape') return;
  // A dialog has its keys for itself.
  if (document.querySelector('dialog[open]')) return;
  // A button that has the focus is pressed by Enter.
  if (event.key === 'Enter' && event.target instanceof Element && event.target.matches('button, a, summary, [role=button]')) return;
  for (let at = layers.length - 1; at >= 0; at -= 1) {
    const act = layers[at].current[event.key];
    if (act && act(event) !== false) {
      event.preventDefault();
      return;
    }
  }
});

/** While the component is there. An action that gives false leaves the key to others. */
export function useKeys(keys) {
  const layer = useRef(keys);
  layer.current = keys;
  useEffect(() => {
    layers.push(layer);
    return () => { layers.splice(layers.indexOf(layer), 1); };
  }, []);
}

export const SHORTCUTS = [
  ['/', 'Search'], ['j', 'Next row'], ['k', 'Previous row'], ['Enter', 'Open details'], ['Esc', 'Close'],
  ['c', 'Copy the entry as JSON'], ['t', 'Follow live'], ['r', 'Refresh'], ['?', 'This help'],
];

/** Puts the cursor into a field: at once where it is there, so that no key after this one is lost, else when it is drawn. */
export function focusWhenThere(selector) {
  const field = document.querySelector(selector);
  if (field) field.focus();
  if (!field || document.activeElement !== field) requestAnimationFrame(() => document.querySelector(selector)?.focus());
}
