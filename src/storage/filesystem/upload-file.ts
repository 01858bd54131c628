// One connection's part of a resumable upload: appended in order, in large pieces, and durable when it ends.

import type { Hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { AfterStep } from '../../lib/after-step.ts';
import { isNoRoom } from '../../lib/app-error.ts';
import type { UploadStep } from '../storage-step.ts';
import type { UploadAppend } from '../uploads.ts';
import { diskFull, syncFailed } from './disk-errors.ts';
import type { PieceSize } from './piece-size.ts';
import { writePieces } from './write-pieces.ts';

// Of a slow or silent link a piece may take minutes to gather, and a crash would take it.
const LONGEST_GATHERED_MS = 1_000;

export interface UploadFileOptions {
  path: string;
  offsetBytes: number;
  /** Has seen what is there, and sees what comes. */
  hash: Hash;
  pieceSize: PieceSize;
  afterStep: AfterStep<UploadStep>;
  /** The file ended as `hash` says, so many bytes long. Not called after a failure. */
  onEnd: (offsetBytes: number) => void;
  /** What the file has may not be on the disk, and no later fsync would tell. */
  onSyncFailed: () => Promise<void>;
}

export class UploadFile implements UploadAppend {
  readonly #options: UploadFileOptions;
  #handle: FileHandle | undefined;
  #offsetBytes: number;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #late: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: UploadFileOptions) {
    this.#options = options;
    this.#offsetBytes = options.offsetBytes;
    options.pieceSize.join(this);
  }

  /** At most one piece is being written while the next gathers. */
  async write(chunk: Uint8Array): Promise<void> {
    this.#options.hash.update(chunk);
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.byteLength;
    if (this.#pendingBytes < this.#options.pieceSize.bytes) {
      this.#late ??= setTimeout(() => this.#flush(), LONGEST_GATHERED_MS);
      return;
    }
    await this.#writing;
    this.#flush();
  }

  async end(): Promise<void> {
    this.#options.pieceSize.leave(this);
    try {
      this.#flush();
      await this.#writing;
      // By the descriptor that wrote: another one may never hear of a page that could not be written.
      await this.#handle?.sync().catch(async (error: unknown) => {
        await this.#options.onSyncFailed();
        throw syncFailed(this.#options.path, error);
      });
    } finally {
      const handle = this.#handle;
      this.#handle = undefined;
      await handle?.close();
    }
    this.#options.onEnd(this.#offsetBytes);
  }

  #flush(): void {
    clearTimeout(this.#late);
    this.#late = undefined;
    const pieces = this.#pending;
    const sizeBytes = this.#pendingBytes;
    this.#pending = [];
    this.#pendingBytes = 0;
    if (sizeBytes === 0) return;
    this.#writing = this.#writing.then(() => this.#write(pieces, sizeBytes));
    // Its failure is met where the promise is awaited next; until then it must not count as unhandled.
    this.#writing.catch(() => undefined);
  }

  async #write(pieces: Uint8Array[], sizeBytes: number): Promise<void> {
    const { path, afterStep } = this.#options;
    try {
      this.#handle ??= await open(path, 'r+');
      await writePieces(this.#handle, pieces, this.#offsetBytes);
      this.#offsetBytes += sizeBytes;
      afterStep('upload-written');
    } catch (error) {
      if (isNoRoom(error)) throw diskFull(path, error);
      throw error;
    }
  }
}
