// Several faults at once, each in a fleet of its own.

import { availableParallelism } from 'node:os';
import { type Diagnosis, diagnose } from './diagnose.ts';
import type { Fault } from './fault.ts';

// Half of the time a fleet waits for a heartbeat or a probe.
const AT_ONCE = 2 * Math.max(2, availableParallelism());

/** By id; none of them ever rejects. They begin in the order of `faults`. */
export function startDiagnoses(
  faults: readonly Fault[],
  directoryOf: (id: string) => string,
): Map<string, Promise<Diagnosis>> {
  const waiting = faults.map((fault) => ({ fault, done: Promise.withResolvers<Diagnosis>() }));
  const diagnoses = new Map(waiting.map(({ fault, done }) => [fault.id, done.promise]));
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      next.done.resolve(await diagnose(next.fault, directoryOf(next.fault.id)));
    }
  };
  for (let worker = 0; worker < AT_ONCE; worker += 1) void work();
  return diagnoses;
}
