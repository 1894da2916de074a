// The six classes, and the three boxes that pages group them into.

export const CLASSES = ['trace', 'debug', 'information', 'warning', 'error', 'fatal'];

export const LABELS = {
  trace: 'Trace', debug: 'Debug', information: 'Information', warning: 'Warning', error: 'Error', fatal: 'Fatal',
};

export const BOXES = [
  { name: 'information', label: 'Information', classes: ['trace', 'debug', 'information'] },
  { name: 'warning', label: 'Warning', classes: ['warning'] },
  { name: 'error', label: 'Error', classes: ['error', 'fatal'] },
];

export const boxOf = (severity) => BOXES.find((box) => box.classes.includes(severity))?.name ?? 'information';

/** Boxes as the API's `severity`; all of them, or none, is no filter. */
export function classesOf(boxes) {
  if (!boxes.length || boxes.length === BOXES.length) return undefined;
  return BOXES.filter((box) => boxes.includes(box.name)).flatMap((box) => box.classes).join(',');
}
