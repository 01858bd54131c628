// From what was read to what is so: pure. A symptom whose inputs were not all read is not evaluated.

import type { Symptom } from '../../protocol/alert.ts';
import type { Finding, Observed } from '../observed.ts';
import { DETECTORS } from './detectors.ts';

export interface Detected {
  /** By host, then in the symptoms' order; nothing of retired hosts. */
  findings: readonly Finding[];
  /** Whether this run would have found the symptom of this host: what it could not tell is neither found nor gone. */
  canTell: (host: string, symptom: Symptom) => boolean;
}

export function detect(observed: Observed): Detected {
  const ready = DETECTORS.filter(({ rests }) => rests.every((source) => observed[source] !== undefined));
  const found = ready.flatMap((detector) => detector.detect(observed));
  // The sort is stable: what one host has stays in the detectors' order.
  const findings = found
    .filter(({ host }) => !observed.retired.has(host))
    .sort((a, b) => (a.host < b.host ? -1 : a.host > b.host ? 1 : 0));
  const bySymptom = new Map(ready.map((detector) => [detector.symptom, detector]));
  const canTell: Detected['canTell'] = (host, symptom) => {
    const detector = bySymptom.get(symptom);
    return detector !== undefined && (detector.tells?.(observed, host) ?? true);
  };
  return { findings, canTell };
}
