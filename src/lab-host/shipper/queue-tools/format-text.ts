// Text for a terminal: columns, and words from elsewhere that must not drive it.

import { inertLine } from '../../../lib/inert-text.ts';

/** `name  text` lines, the texts below each other; one of several lines is indented. */
export function formatFields(fields: readonly (readonly [name: string, text: string])[]): string {
  const width = Math.max(...fields.map(([name]) => name.length));
  return fields
    .map(([name, text]) => {
      const [first = '', ...rest] = text.split('\n').map(inertLine);
      const more = rest.map((line) => `${' '.repeat(width + 2)}${line}\n`).join('');
      return `${name.padEnd(width)}  ${first}\n${more}`;
    })
    .join('');
}

/** `4,465 episodes`, `1 episode`. */
export function countOf(count: number, noun = 'episode'): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

/** To the second, as `2026-05-01 06:37:53Z`; what is no time, as it is. */
export function shortTime(wall: string): string {
  return Number.isNaN(Date.parse(wall)) ? wall : `${new Date(wall).toISOString().slice(0, 19).replace('T', ' ')}Z`;
}
