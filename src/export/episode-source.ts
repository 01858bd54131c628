// Port: where an export takes episodes from, a store's directory or a receiver. It is only read.

import type { LedgerEntry, SequencedRow } from '../protocol/ledger-row.ts';
import type { Selection } from './selection.ts';

export interface EpisodeKey {
  hostId: string;
  episodeId: string;
}

/** What the ledger has of an episode. */
export type InLedger = 'stored' | 'retracted' | 'unknown';

/** Why an episode cannot be had, where the others can. `retracted`: it was taken back; `missing` may turn out to be that. */
export type LossKind = 'missing' | 'wrong-size' | 'changed' | 'unreadable' | 'retracted';

/** Thrown by `read` for what concerns this episode alone; any other error ends the export. */
export class EpisodeLoss extends Error {
  readonly kind: LossKind;

  constructor(kind: LossKind, detail: string, cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause });
    this.name = 'EpisodeLoss';
    this.kind = kind;
  }
}

export interface EpisodeSource {
  /** For a person: the directory or the URL. */
  readonly name: string;
  /**
   * Rows of the episodes that are stored now and selected, in order of seq. Ids in them are not checked, and an episode may have a
   * second row: of two the first stands.
   */
  list(selection: Selection, signal: AbortSignal): AsyncIterable<SequencedRow>;
  /** The bytes from this one on. What they are is not checked. */
  read(row: SequencedRow, fromByte: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** By `hostId/episodeId`. */
  lookUp(keys: readonly EpisodeKey[], signal: AbortSignal): Promise<Map<string, InLedger>>;
  close(): void;
}

export function keyText({ hostId, episodeId }: EpisodeKey): string {
  return `${hostId}/${episodeId}`;
}

export function keyOf({ host_id: hostId, episode_id: episodeId }: LedgerEntry): EpisodeKey {
  return { hostId, episodeId };
}
