// Figures for a person.

import { html } from 'hono/html';
import type { Markup } from '../page.ts';

const COUNT = new Intl.NumberFormat('en', { useGrouping: true });

/** `12,345`. */
export function countText(count: number): string {
  // What Intl would say of it, in a tenth of the time: most figures of a large fleet are small.
  return Number.isInteger(count) && count >= 0 && count < 1000 ? String(count) : COUNT.format(count);
}

/** `1 host`, `3 hosts`. */
export function counted(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** Its first ten digits; the whole of it on hover. */
export function commitCode(commit: string | null): Markup {
  if (commit === null) return html`<span class="muted">none</span>`;
  return html`<code title="${commit}">${commit.slice(0, 10)}</code>`;
}

/** How far the head is ahead. */
export function distanceText(distance: number | null): string {
  if (distance === null) return 'not in the window';
  return distance === 0 ? 'at head' : `${countText(distance)} behind`;
}
