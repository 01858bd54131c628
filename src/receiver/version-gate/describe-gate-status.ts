// The state of the gate as lines for a person.

import { inertLine } from '../../lib/inert-text.ts';
import type { GateStatus } from './version-gate.ts';

/** `now` is a wall time as clock.ts writes it. */
export function describeGateStatus(status: GateStatus, now: string): string {
  if (!status.enabled) return 'gate       off: episodes of any code are stored ([version_gate] enabled = false)\n';
  const { head, window, source, refreshedAt, lastError, allowed, blocked } = status;
  const lines = [
    ['gate', 'on'],
    ['head', head ?? 'not known'],
    ['window', `the last ${window} ${window === 1 ? 'commit' : 'commits'}`],
    ['source', source ?? 'none has answered yet'],
    ['refreshed', describeRefreshed(refreshedAt, source, now)],
    ['last error', lastError ?? 'none'],
    ...allowed.map(({ commit, until, why, by }) => [
      'allowed',
      `${commit} for ${span(until, now)} more, by ${by}: ${why}`,
    ]),
    ...blocked.map(({ commit, why, by }) => ['blocked', `${commit} by ${by}: ${why}`]),
  ];
  return lines.map(([name = '', text = '']) => `${name.padEnd(10)} ${inertLine(text)}\n`).join('');
}

function describeRefreshed(refreshedAt: string | null, source: string | null, now: string): string {
  if (source === 'static') return 'the list stands in the configuration';
  return refreshedAt === null ? 'never' : `${span(now, refreshedAt)} ago (${refreshedAt})`;
}

const UNITS = [
  ['days', 86_400],
  ['h', 3_600],
  ['min', 60],
] as const;

/** The two largest units, of `later` − `earlier`; a clock that was set back is no negative age. */
function span(later: string, earlier: string): string {
  const elapsed = Temporal.Instant.from(later).epochMilliseconds - Temporal.Instant.from(earlier).epochMilliseconds;
  let leftS = Math.max(0, Math.round(elapsed / 1000));
  const parts: string[] = [];
  for (const [unit, lengthS] of UNITS) {
    const count = Math.floor(leftS / lengthS);
    if (count > 0) parts.push(`${count} ${unit === 'days' && count === 1 ? 'day' : unit}`);
    leftS %= lengthS;
  }
  if (leftS > 0 || parts.length === 0) parts.push(`${leftS} s`);
  return parts.slice(0, 2).join(' ');
}
