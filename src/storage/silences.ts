// Which silence holds for an alert now: at once when it is made or ended, and not only from the monitor's next run on.

import type { Alert, Silence } from './monitor-state.ts';

/**
 * `now`: a wall time as clock.ts writes it, as the silence's own are. One whose begin lies ahead of a clock that was set back does not hold: it
 * would hold too long.
 */
export function isActive({ createdAt, expiresAt }: Silence, now: string): boolean {
  return createdAt <= now && now < expiresAt;
}

/** Of several the one that lasts longest. */
export function silenceOf(
  { host, symptom }: Pick<Alert, 'host' | 'symptom'>,
  silences: readonly Silence[],
  now: string,
): Silence | undefined {
  return silences
    .filter((silence) => isActive(silence, now))
    .filter((silence) => (silence.host ?? host) === host && (silence.symptom ?? symptom) === symptom)
    .toSorted((a, b) => (a.expiresAt < b.expiresAt ? -1 : 1))
    .at(-1);
}
