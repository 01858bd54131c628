// Port: where the episodes' bytes lie. Knows nothing of rows; the order of blob and row is the ingest's.

import type { Readable } from 'node:stream';

export interface BlobKey {
  hostId: string;
  episodeId: string;
}

/** `mismatch`: what arrived is not what `begin` was told; nothing was published. */
export type CommitOutcome =
  | { kind: 'created' }
  | { kind: 'exists' }
  | { kind: 'mismatch'; sha256: string; sizeBytes: number };

/** One body on its way in. Exactly one of `commit` and `abort` ends the writing; `finish` follows a `created`. */
export interface BlobWrite {
  /**
   * Takes the next bytes, for good: nobody else changes or reads them from then on. Resolves when more may come. Throws `disk-full`: then
   * only `abort` is allowed.
   */
  write(chunk: Uint8Array): Promise<void>;
  /**
   * Makes the blob durable and visible under its key, never over another. `exists` too says that what is there is durable. Throws
   * `disk-full`, or `sync-failed`: from then on every commit does.
   */
  commit(): Promise<CommitOutcome>;
  /** The outcome has been recorded elsewhere: forgets that this upload was under way. */
  finish(): Promise<void>;
  /** Leaves nothing behind. Safe to call more than once. */
  abort(): Promise<void>;
}

/** A blob that was published, but whose `finish` was never reached. */
export interface UnfinishedBlob {
  key: BlobKey;
  finish(): Promise<void>;
}

/** `foreign`: something that no upload has put there; `path` as ledger rows name theirs. */
export type ListedBlob = { kind: 'blob'; key: BlobKey } | { kind: 'foreign'; path: string };

export interface BlobStore {
  begin(blob: { key: BlobKey; sha256: string; sizeBytes?: number }): Promise<BlobWrite>;
  /** Undefined when there is no such blob. `storedAtWall`: when its content was last written, as clock.ts writes times. */
  stat(key: BlobKey): Promise<{ sizeBytes: number; storedAtWall: string } | undefined>;
  /** The whole blob, or the bytes from `start` to `end`, both included. Throws `blob-missing`. */
  read(key: BlobKey, range?: { start: number; end: number }): Promise<Readable>;
  /** Makes sure that the blob and its name survive a power cut, whoever put it there. Throws `sync-failed`. */
  makeDurable(key: BlobKey): Promise<void>;
  /** Takes a damaged blob out of the way, so that a good one can be committed under its key. Resolves with where it is now. */
  setAside(key: BlobKey): Promise<string>;
  /** Durable when it resolves; nothing happens when there is no such blob. Throws `sync-failed`. */
  remove(key: BlobKey): Promise<void>;
  /** Every published blob, by host and then by episode, a host's names in memory at a time; and what lies among them and is none. */
  list(): AsyncIterable<ListedBlob>;
  /** How a ledger row names the blob. */
  pathInRow(key: BlobKey): string;
  /** Writes a few bytes where bodies are received, and removes them again. Throws what keeps a body from being written. */
  tryWrite(): Promise<void>;
  /** Bytes that can still be written. */
  freeBytes(): Promise<number>;
  /** After a crash, before any `begin`: drops what was never published and tells what was. */
  recover(): Promise<{ unfinished: UnfinishedBlob[]; removed: { files: number; sizeBytes: number } }>;
}

/** What may be done without the receiver's lock, beside it: looking. */
export type BlobReader = Pick<BlobStore, 'stat' | 'read' | 'list' | 'pathInRow'>;
