// From where one run reads: the store's ports, and what is asked beside them.

import type { AttemptsReader } from '../storage/attempts.ts';
import type { RetiredHost } from '../storage/control.ts';
import type { HostStateReader } from '../storage/host-state.ts';
import type { LedgerReader } from '../storage/ledger-reader.ts';
import type { AttemptTally, ReceiverLook } from './observed.ts';

/** What is undefined is not there to be read, which is no failure. All calls throw `cannot-read`. */
export interface RunSources {
  ledger: Pick<LedgerReader, 'follow'>;
  attempts: (nowMs: number, windowMin: number) => Promise<ReadonlyMap<string, AttemptTally>>;
  hostState: HostStateReader | undefined;
  retiredHosts: () => Promise<readonly RetiredHost[]>;
  /** Newest first; undefined while the gate is off or knows nothing. */
  gate: () => Promise<{ commits: readonly string[]; windowLength: number } | undefined>;
  receiver: (() => Promise<ReceiverLook>) | undefined;
}

/** Minutes as the receiver's counts have them: those of the window, its first and its last included. */
export async function readCounts(attempts: AttemptsReader, nowMs: number, windowMin: number) {
  return await attempts.read({ fromMinute: minuteOf(nowMs - windowMin * 60_000), toMinute: minuteOf(nowMs) });
}

function minuteOf(ms: number): string {
  return Temporal.Instant.fromEpochMilliseconds(Math.floor(ms)).toString().slice(0, 16);
}
