// Which fault of the whole fleet explains an alert, and which silence holds for it. Nobody is told of what is explained or silenced.

import { type Symptom, WHOLE_FLEET } from '../../protocol/alert.ts';
import type { Silence } from '../../storage/monitor-state.ts';

interface Subject {
  host: string;
  symptom: Symptom;
}

// A receiver that is down makes whatever is seen of its hosts doubtful. When the fleet fell silent, each host is, and its backlog grows;
// what the hosts are refused for, and what their doctors say, may be the reason for it and is told.
const EXPLAINS: ReadonlyArray<readonly [symptom: Symptom, explains: (symptom: Symptom) => boolean]> = [
  ['receiver-down', (symptom) => symptom !== 'receiver-down'],
  ['fleet-silent', (symptom) => symptom === 'silent' || symptom === 'backlog'],
];

/** `firing`: all that fires now. */
export function explainedBy({ symptom }: Subject, firing: readonly Subject[]): Symptom | null {
  const fleetWide = firing.filter(({ host }) => host === WHOLE_FLEET);
  const found = EXPLAINS.find(
    ([cause, explains]) => explains(symptom) && fleetWide.some((other) => other.symptom === cause),
  );
  return found?.[0] ?? null;
}

/** The id of the one that lasts longest. One whose begin lies ahead of a clock that was set back does not hold: it would hold too long. */
export function silencedBy({ host, symptom }: Subject, silences: readonly Silence[], nowWall: string): string | null {
  const holding = silences
    .filter((silence) => silence.createdAt <= nowWall && nowWall < silence.expiresAt)
    .filter((silence) => silence.host === null || silence.host === host)
    .filter((silence) => silence.symptom === null || silence.symptom === symptom)
    .sort((left, right) => (left.expiresAt < right.expiresAt ? 1 : -1));
  return holding[0]?.id ?? null;
}
