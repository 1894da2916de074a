// Copies, and says so.

import { say } from '../parts/toast.js';

export async function copy(text, what = 'Copied') {
  try {
    await navigator.clipboard.writeText(text);
    say(what);
  } catch {
    // Not over plain HTTP from another machine, or not allowed: the old way still works there.
    const field = document.createElement('textarea');
    field.value = text;
    field.className = 'away';
    document.body.append(field);
    field.select();
    const isDone = document.execCommand('copy');
    field.remove();
    say(isDone ? what : 'Your browser did not allow copying');
  }
}
