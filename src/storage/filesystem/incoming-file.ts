// One body under way: hashed as it arrives, written in large pieces, durable once sealed. A small body touches the disk only when whole.

import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { AfterStep } from '../../lib/after-step.ts';
import { isNoRoom } from '../../lib/app-error.ts';
import { removeFile } from '../../lib/remove-file.ts';
import type { StorageStep } from '../storage-step.ts';
import type { WatchSync } from '../watch-sync.ts';
import { diskFull, syncFailed } from './disk-errors.ts';
import { writePieces } from './write-pieces.ts';

export class IncomingFile {
  readonly #path: string;
  readonly #afterStep: AfterStep<StorageStep>;
  readonly #watchSync: WatchSync;
  readonly #hash = createHash('sha256');
  #handle: FileHandle | undefined;
  readonly #pieceBytes: () => number;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #sizeBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #discarded = false;

  /** `pieceBytes`: how much may gather before it is written, asked anew each time. */
  constructor(path: string, pieceBytes: () => number, afterStep: AfterStep<StorageStep>, watchSync: WatchSync) {
    this.#path = path;
    this.#pieceBytes = pieceBytes;
    this.#afterStep = afterStep;
    this.#watchSync = watchSync;
  }

  /** At most one piece is being written while the next gathers. */
  async write(chunk: Uint8Array): Promise<void> {
    if (this.#discarded) throw new Error('written after it was discarded');
    this.#hash.update(chunk);
    this.#sizeBytes += chunk.byteLength;
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.byteLength;
    if (this.#pendingBytes < this.#pieceBytes()) return;
    await this.#writing;
    this.#flush();
  }

  /** Writes the rest, compares, and makes the content durable. Returns what was found when it is not what was declared. */
  async seal(
    sha256: string,
    sizeBytes: number | undefined,
  ): Promise<{ sha256: string; sizeBytes: number } | undefined> {
    const found = { sha256: this.#hash.digest('hex'), sizeBytes: this.#sizeBytes };
    if (found.sha256 !== sha256 || (sizeBytes !== undefined && sizeBytes !== found.sizeBytes)) return found;
    await this.#writing;
    this.#flush();
    await this.#writing;
    const handle = this.#handle;
    if (!handle) throw new Error('sealed without a file');
    const synced = this.#watchSync('episode');
    try {
      await handle.sync();
    } catch (error) {
      throw syncFailed(this.#path, error);
    }
    synced();
    this.#afterStep('incoming-synced');
    await this.#close();
    return undefined;
  }

  /** Closes and removes the file, whatever state it is in. */
  async discard(): Promise<void> {
    if (this.#discarded) return;
    this.#discarded = true;
    this.#pending = [];
    await this.#writing.catch(() => undefined);
    await this.#close();
    await removeFile(this.#path);
  }

  #flush(): void {
    const pieces = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#writing = this.#writePieces(pieces);
    // Its failure is met where the promise is awaited next; until then it must not count as unhandled.
    this.#writing.catch(() => undefined);
  }

  async #writePieces(pieces: Uint8Array[]): Promise<void> {
    try {
      if (!this.#handle) {
        // 0444: stored episodes are read-only from the start; the open descriptor may still write.
        this.#handle = await open(this.#path, 'wx', 0o444);
        this.#afterStep('incoming-opened');
      }
      await writePieces(this.#handle, pieces);
      this.#afterStep('incoming-written');
    } catch (error) {
      if (isNoRoom(error)) throw diskFull(this.#path, error);
      throw error;
    }
  }

  async #close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }
}
