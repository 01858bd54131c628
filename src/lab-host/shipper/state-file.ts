// shipper-state.json: what the shipper did and why it waits, for people and the doctor. Whole or absent, never half-written.

import { toJsonFile, writeFileDurably } from '../../lib/durable-file.ts';
import type { ShipOutcome } from './ship-dependencies.ts';

export interface ShipperState {
  started_at_wall: string;
  /** When this was written. */
  saved_at_wall: string;
  shipped: number;
  duplicates: number;
  quarantined: number;
  /** Episodes that wait, as far as is known now, and the bytes of their files. */
  waiting: number;
  waiting_bytes: number;
  oldest_finished_at_wall: string | null;
  /** Bytes of bodies over the last minute. */
  sent_bytes_per_s: number;
  last: { episode_id: string; outcome: ShipOutcome } | null;
  last_answer: LastAnswer | null;
  /** Why nothing is sent now; null while all is well. */
  trouble: Trouble | null;
}

interface LastAnswer {
  at_wall: string;
  episode_id: string;
  /** HTTP status, or 0 where none came. */
  status: number;
  code: string | null;
  detail: string | null;
}

interface Trouble {
  kind: 'held' | 'transient' | 'no-room';
  code: string;
  detail: string | null;
  cure: string | null;
  since_wall: string;
}

export class StateFile {
  readonly #path: string;
  #written = '';

  constructor(path: string) {
    this.#path = path;
  }

  /** Writes only what is news, so that an idle shipper leaves the disk alone. */
  async save(state: ShipperState): Promise<void> {
    const { saved_at_wall, ...news } = state;
    const content = JSON.stringify(news);
    if (content === this.#written) return;
    // The shipper alone writes it: a kill leaves one file behind, not one each time.
    const temporaryPath = `${this.#path}.tmp`;
    await writeFileDurably(this.#path, toJsonFile({ ...news, saved_at_wall }), { temporaryPath });
    this.#written = content;
  }
}
