// Whether an episode could be stored now: the store takes a file, is above its reserve, the ledger has been read, and the gate knows
// commits.

import { messageOf } from '../lib/app-error.ts';
import type { Clock } from '../lib/clock.ts';
import type { BlobStore } from '../storage/blob-store.ts';
import type { Ledger } from '../storage/ledger.ts';
import type { VersionGate } from './version-gate/version-gate.ts';

// Asked every second by each of several balancers, the store is still tried once.
const REMEMBERED_MS = 1_000;

export interface ReadinessParts {
  blobs: BlobStore;
  clock: Clock;
  /** Read at each look: a reload replaces them. */
  current: () => { gate: VersionGate; minFreeBytes: number };
}

export class Readiness {
  readonly #parts: ReadinessParts;
  #last: { atMs: number; reasons: Promise<string[]> } | undefined;

  constructor(parts: ReadinessParts) {
    this.#parts = parts;
  }

  /** Why not, one sentence each; none when it could. */
  async reasons(ledger: Pick<Ledger, 'isCaughtUp'>): Promise<string[]> {
    const nowMs = this.#parts.clock.monotonicMs();
    if (!this.#last || nowMs - this.#last.atMs > REMEMBERED_MS) this.#last = { atMs: nowMs, reasons: this.#look() };
    const reasons = await this.#last.reasons;
    // Costs nothing to look at, so it is never remembered.
    return ledger.isCaughtUp() ? reasons : [...reasons, 'the ledger is being read (state.db is made again)'];
  }

  async #look(): Promise<string[]> {
    const { blobs, current } = this.#parts;
    const { gate, minFreeBytes } = current();
    const reasons: string[] = [];
    try {
      await blobs.tryWrite();
      const freeBytes = await blobs.freeBytes();
      if (freeBytes < minFreeBytes)
        reasons.push(`the store has ${freeBytes} bytes free and keeps ${minFreeBytes} in reserve`);
    } catch (error) {
      reasons.push(`the store takes no file: ${messageOf(error)}`);
    }
    if (!gate.isKnown()) reasons.push('the gate has not learnt yet which commits are current');
    return reasons;
  }
}
