// Port: alerts.jsonl, one row for each alert and hour. The file itself is what must not hold a key twice.

import type { AlertRow } from '../protocol/alert.ts';

export interface KnownKeys {
  /** Dedup keys of rows whose `detected_at_wall` lies in the asked hour; rows of other hours may be told too. */
  keys: ReadonlySet<string>;
  /** Give it to the next call, so that only what is new is read. */
  mark: string;
}

export interface AlertLog {
  /**
   * `hour`: UTC, `YYYY-MM-DDTHH`. Bad lines and unknown fields are skipped. Anew without a mark, with one that does not fit the file any
   * more, and for an hour that the mark no longer covers. Throws `cannot-read` when there is a file that cannot be read.
   */
  keysOf(hour: string, mark: string | undefined): Promise<KnownKeys>;
  /**
   * Durable when it resolves. A torn last line is ended first, so that the rows are whole lines whatever stood there. Throws
   * `disk-full`: then none of them is left half-written.
   */
  append(rows: readonly AlertRow[]): Promise<void>;
}
