// All that one run has read, and what a detector makes of it. Detectors are pure: the same inputs give the same findings.

import type { CheckStatus } from '../lib/self-check/check-result.ts';
import type { Symptom } from '../protocol/alert.ts';
import type { Heartbeat } from '../storage/host-state.ts';
import type { Thresholds } from './thresholds.ts';

/** Inputs that may fail by themselves. What rests on one that failed is neither found nor gone in this run. */
export type Source = 'ledger' | 'attempts' | 'heartbeats' | 'reports' | 'gate' | 'receiver';

export interface StoredHost {
  /** Of its last row that does not lie ahead of the clock; microseconds since 1970. Undefined when all of its rows do. */
  lastStoredAtUs: number | undefined;
  /** Of that row. */
  commit: string | undefined;
}

/** Answered attempts within the recent window. */
export interface AttemptTally {
  success: number;
  clientError: number;
  serverError: number;
  /** Refused for want of a commit header; in `clientError` too. */
  unstamped: number;
  /** The most frequent refusals' problem codes, where they are known. */
  codes: ReadonlyMap<string, number>;
}

export interface SeenReport {
  status: CheckStatus;
  receivedAtMs: number;
  /** Ids of checks that are red, those of `DOCTOR_CHECKS` alone. */
  redChecks: readonly string[];
}

/** `down`: no answer, or one that no receiver gives. `cannot-store`: it answers, and would refuse every episode. */
export type ReceiverLook = { kind: 'well' } | { kind: 'down' | 'cannot-store'; detail: string };

export interface Observed {
  /** Milliseconds since 1970, exact to the microsecond: the system's time, or what `--now` says. */
  nowMs: number;
  thresholds: Thresholds;
  /** Hosts with at least one row. */
  ledger: ReadonlyMap<string, StoredHost> | undefined;
  attempts: ReadonlyMap<string, AttemptTally> | undefined;
  /** Of each host, in the order of their receipt. */
  heartbeats: ReadonlyMap<string, readonly Heartbeat[]> | undefined;
  reports: ReadonlyMap<string, SeenReport> | undefined;
  /** Newest first; undefined too while the gate is off or knows nothing. */
  gate: { commits: readonly string[]; windowLength: number } | undefined;
  receiver: ReceiverLook | undefined;
  /** Host → since when it is expected, in milliseconds since 1970. */
  expectedSinceMs: ReadonlyMap<string, number>;
  retired: ReadonlySet<string>;
  /** Host → how many episodes its quarantine has grown by within 24 hours, as far as is remembered. */
  quarantineGrowth: ReadonlyMap<string, number>;
  /** What brings a host's code up to date, by how it was installed; to be run on the host, one command each. */
  updateCommands: UpdateCommands;
}

export type UpdateCommands = Readonly<Record<'git' | 'release', readonly string[]>>;

export interface Finding {
  host: string;
  symptom: Symptom;
  /** One line. */
  detail: string;
  /** The command, and where it is to be run. */
  suggestedFix: string;
}

export interface Detector {
  symptom: Symptom;
  /** All of them must have been read. */
  rests: readonly Source[];
  detect: (observed: Observed) => Finding[];
  /**
   * Whether what was read tells anything of this host now; without it, it does. What is not told is neither found nor gone: a host that has been
   * silent for longer than the lookback has not come back, nor is one without a heartbeat well.
   */
  tells?: (observed: Observed, host: string) => boolean;
}
