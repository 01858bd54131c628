// Port: how often each host tried, by minute and outcome. Expendable: a crash may lose the last second's counts, never an episode.

export interface AttemptIncrement {
  hostId: string;
  /** UTC, `YYYY-MM-DDTHH:MM`: the beginning of a wall time as clock.ts writes it. */
  minute: string;
  /** `stored`, `duplicate`, or the problem code that was answered. */
  outcome: string;
  /** At least 1. */
  count: number;
}

/** One count per (minute, host, outcome). */
export type AttemptCount = AttemptIncrement;

/** What a program beside the receiver may do with them: then it throws `cannot-read` for what cannot be read. */
export interface AttemptsReader {
  /** Counts of these minutes, both included; by minute, then host, then outcome. */
  read(range: { fromMinute: string; toMinute: string }): Promise<AttemptCount[]>;
}

export interface Attempts extends AttemptsReader {
  /** All of them or none. Commutative, so that several receivers may count one host. Throws `disk-full` or `sync-failed`. */
  add(increments: readonly AttemptIncrement[]): Promise<void>;
  /** Drops what lies before this minute. Throws as `add` does. */
  forgetBefore(minute: string): Promise<void>;
}
