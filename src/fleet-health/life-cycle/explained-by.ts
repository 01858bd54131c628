// Which fault of the whole fleet explains an alert. Nobody is told of what is explained.

import { type Symptom, WHOLE_FLEET } from '../../protocol/alert.ts';

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
