// Which workloads to start now and when to look again: pure, so that every schedule can be tested without waiting.

export interface WorkloadState {
  name: string;
  intervalMs: number;
  /** Monotonic time of the last start; undefined before the first. */
  lastStartMs: number | undefined;
  running: boolean;
}

export interface Plan {
  /** Names, in the order of the configuration. */
  start: string[];
  /** Monotonic time when the next workload falls due; undefined when only the end of a running one can change anything. */
  lookAgainAtMs: number | undefined;
}

/**
 * A workload is due at once at first, then `intervalMs` after its last start. One that still runs is never started beside
 * itself; when it ends after its next start fell due, it starts once, and the intervals that it missed are not made up for.
 */
export function planStarts(workloads: readonly WorkloadState[], nowMs: number): Plan {
  const start: string[] = [];
  let lookAgainAtMs: number | undefined;
  for (const workload of workloads) {
    if (workload.running) continue;
    const dueAtMs = dueAt(workload);
    if (dueAtMs <= nowMs) start.push(workload.name);
    else lookAgainAtMs = Math.min(lookAgainAtMs ?? dueAtMs, dueAtMs);
  }
  return { start, lookAgainAtMs };
}

function dueAt({ lastStartMs, intervalMs }: WorkloadState): number {
  return lastStartMs === undefined ? Number.NEGATIVE_INFINITY : lastStartMs + intervalMs;
}
