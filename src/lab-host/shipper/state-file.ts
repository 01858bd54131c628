// shipper-state.json: what the shipper did and why it waits, for people and the doctor. Whole or absent, never half-written.

import { toJsonFile, writeFileDurably } from '../../lib/durable-file.ts';
import type { ShipOutcome } from './ship-episode.ts';

export interface ShipperState {
  started_at_wall: string;
  shipped: number;
  duplicates: number;
  quarantined: number;
  /** Episodes that the last pass left waiting. */
  waiting: number;
  last: { episode_id: string; outcome: ShipOutcome } | null;
  /** Why nothing is sent now; null while all is well. */
  trouble: { kind: 'held' | 'transient' | 'no-room'; code: string } | null;
}

export class StateFile {
  readonly #path: string;
  #written = '';

  constructor(path: string) {
    this.#path = path;
  }

  /** Writes only what is news, so that an idle shipper leaves the disk alone. */
  async save(state: ShipperState): Promise<void> {
    const content = toJsonFile(state);
    if (content === this.#written) return;
    await writeFileDurably(this.#path, content);
    this.#written = content;
  }
}
