// Times on a page: how long ago as text that holds without scripts; the script counts on, and puts the reader's own zone and UTC on hover.

import { html, raw } from 'hono/html';
import type { Markup } from '../page.ts';

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

const OUR_FORM = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/;

/** `3 min ago`. Null is `never`. */
export function timeAgo(wallTime: string | null, now: string): Markup {
  if (wallTime === null) return html`<span class="muted">never</span>`;
  const ms = Date.parse(wallTime);
  if (Number.isNaN(ms)) return html`<span class="muted">?</span>`;
  const text = agoText((Date.parse(now) - ms) / 1000);
  // Nothing to escape in it: a page may tell a thousand of them.
  const iso = isoOf(wallTime, ms);
  return raw(`<time datetime="${iso}" title="${plainOf(iso)}" data-ago>${text}</time>`);
}

/** The time itself: in UTC without scripts, in the reader's zone with them. */
export function timeAt(wallTime: string): Markup {
  const ms = Date.parse(wallTime);
  if (Number.isNaN(ms)) return html`<span class="muted">?</span>`;
  return html`<time datetime="${new Date(ms).toISOString()}" title="${plainTime(wallTime)}" data-at>${plainTime(wallTime)}</time>`;
}

/** `2026-05-01 06:37:53 UTC` of a wall time. */
export function plainTime(wallTime: string): string {
  const ms = Date.parse(wallTime);
  return Number.isNaN(ms) ? '?' : plainOf(new Date(ms).toISOString());
}

/** A wall time as we write it is cut short: to make a Date of each would take most of the time of a row. */
function isoOf(wallTime: string, ms: number): string {
  return OUR_FORM.test(wallTime) ? `${wallTime.slice(0, 23)}Z` : new Date(ms).toISOString();
}

function plainOf(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
}

/** As browser/time.js counts on. */
function agoText(elapsedS: number): string {
  if (elapsedS < 2) return 'now';
  return `${spanText(elapsedS)} ago`;
}

/** `40 s`, `3 min`, `47 h`, `12 d`: the largest unit of two or more, rounded down. */
export function spanText(seconds: number): string {
  for (const [unit, lengthS] of UNITS) {
    if (seconds >= 2 * lengthS) return `${Math.floor(seconds / lengthS)} ${unit}`;
  }
  return `${Math.max(0, Math.floor(seconds))} s`;
}
