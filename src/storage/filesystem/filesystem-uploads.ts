// Resumable uploads as `uploads/<id>.body`, whose length is the offset, and `uploads/<id>.json`, what was declared.
// Order: body opened → declared → written … → [whole] digest compared → fsync → link → [row, by the ingest] → declaration gone → body gone.

import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type AfterStep, noStepObserver } from '../../lib/after-step.ts';
import { AppError, isMissing, isNoRoom } from '../../lib/app-error.ts';
import { fsyncDirectory, writeFileDurably } from '../../lib/durable-file.ts';
import { removeFile } from '../../lib/remove-file.ts';
import type { BlobWrite } from '../blob-store.ts';
import type { UploadStep } from '../storage-step.ts';
import type { RecoveredUploads, Upload, UploadAges, UploadAppend, UploadLock, Uploads } from '../uploads.ts';
import { canLink } from './can-link.ts';
import { diskFull, syncFailed } from './disk-errors.ts';
import type { FilesystemBlobStore } from './filesystem-blob-store.ts';
import { InProcessUploadLocks } from './in-process-upload-locks.ts';
import { UploadFile } from './upload-file.ts';
import { agesText, declarationText, readAgesFile, readDeclaration } from './upload-records.ts';

const BODY = '.body';
const DECLARATION = '.json';
const AGES_NAME = 'idle.json';
const READ_BYTES = 256 * 1024;

type Publisher = Pick<FilesystemBlobStore, 'publish' | 'isPublished' | 'pieceSize'>;

export class FilesystemUploads implements Uploads {
  readonly #directory: string;
  readonly #blobs: Publisher;
  readonly #afterStep: AfterStep<UploadStep>;
  readonly #locks = new InProcessUploadLocks();
  /** Of what is there, so far as this process has seen it come. */
  readonly #hashes = new Map<string, { hash: Hash; sizeBytes: number }>();

  private constructor(directory: string, blobs: Publisher, afterStep: AfterStep<UploadStep>) {
    this.#directory = directory;
    this.#blobs = blobs;
    this.#afterStep = afterStep;
  }

  /** Makes the directory. Throws `not-one-filesystem` when it and `episodes/` could not share a link. */
  static async open(
    root: string,
    blobs: Publisher,
    afterStep: AfterStep<UploadStep> = noStepObserver,
  ): Promise<FilesystemUploads> {
    const directory = join(root, 'uploads');
    await mkdir(directory, { recursive: true });
    await fsyncDirectory(root);
    if (!(await canLink(directory, join(root, 'episodes')))) {
      throw new AppError('not-one-filesystem', `${root}/uploads and ${root}/episodes are on different filesystems`, {
        hint: `mount one filesystem at ${root}, or make both plain directories of it`,
      });
    }
    return new FilesystemUploads(directory, blobs, afterStep);
  }

  async lock(uploadId: string, onTakeOver: () => void): Promise<UploadLock> {
    return await this.#locks.lock(uploadId, onTakeOver);
  }

  async create(upload: Upload): Promise<void> {
    const path = this.#path(upload.uploadId, BODY);
    try {
      await (await open(path, 'wx', 0o644)).close();
      this.#afterStep('upload-opened');
      await writeFileDurably(this.#path(upload.uploadId, DECLARATION), declarationText(upload));
      this.#afterStep('upload-declared');
    } catch (error) {
      await this.remove(upload.uploadId);
      if (isNoRoom(error)) throw diskFull(path, error);
      throw error;
    }
  }

  async offsetOf(uploadId: string): Promise<number | undefined> {
    try {
      return (await stat(this.#path(uploadId, BODY))).size;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async append({ uploadId }: Upload): Promise<UploadAppend> {
    const path = this.#path(uploadId, BODY);
    const { hash, sizeBytes: offsetBytes } = await this.#hashed(uploadId);
    // Until it has ended well, nobody can tell what the file has.
    this.#hashes.delete(uploadId);
    const onEnd = (sizeBytes: number) => this.#hashes.set(uploadId, { hash, sizeBytes });
    return new UploadFile({
      path,
      offsetBytes,
      hash,
      pieceSize: this.#blobs.pieceSize,
      afterStep: this.#afterStep,
      onEnd,
      onSyncFailed: () => this.#forsake(uploadId),
    });
  }

  whole({ uploadId, key, sha256, sizeBytes }: Upload): Pick<BlobWrite, 'commit' | 'finish'> {
    const path = this.#path(uploadId, BODY);
    return {
      commit: async () => {
        const seen = await this.#hashed(uploadId);
        const found = { sha256: seen.hash.copy().digest('hex'), sizeBytes: seen.sizeBytes };
        if (found.sha256 !== sha256 || found.sizeBytes !== sizeBytes) return { kind: 'mismatch', ...found };
        await this.#seal(uploadId);
        return await this.#blobs.publish(path, key);
      },
      finish: async () => await this.remove(uploadId),
    };
  }

  async remove(uploadId: string): Promise<void> {
    this.#hashes.delete(uploadId);
    await removeFile(this.#path(uploadId, DECLARATION));
    this.#afterStep('upload-forgotten');
    await removeFile(this.#path(uploadId, BODY));
    this.#afterStep('upload-unlinked');
  }

  async readAges(): Promise<UploadAges | undefined> {
    return await readAgesFile(join(this.#directory, AGES_NAME));
  }

  async writeAges(ages: UploadAges): Promise<void> {
    await writeFileDurably(join(this.#directory, AGES_NAME), agesText(ages));
  }

  async recover(): Promise<RecoveredUploads> {
    const recovered: RecoveredUploads = { uploads: [], unfinished: [], removed: { files: 0, sizeBytes: 0 } };
    const kept = new Set([AGES_NAME]);
    const names = await readdir(this.#directory);
    for (const name of names.filter((it) => it.endsWith(BODY))) {
      const uploadId = name.slice(0, -BODY.length);
      const upload = await readDeclaration(this.#path(uploadId, DECLARATION), uploadId);
      if (!upload) continue;
      kept.add(name).add(`${uploadId}${DECLARATION}`);
      const file = await lstat(join(this.#directory, name), { bigint: true });
      if (await this.#blobs.isPublished(file, upload.key)) {
        recovered.unfinished.push({ key: upload.key, finish: async () => await this.remove(uploadId) });
      } else recovered.uploads.push({ upload, offsetBytes: Number(file.size) });
    }
    for (const name of names.filter((it) => !kept.has(it))) {
      const path = join(this.#directory, name);
      const file = await lstat(path);
      if (!file.isFile()) continue;
      await removeFile(path);
      recovered.removed.files += 1;
      recovered.removed.sizeBytes += file.size;
    }
    return recovered;
  }

  /** What is there, read again unless this process has seen it come. */
  async #hashed(uploadId: string): Promise<{ hash: Hash; sizeBytes: number }> {
    const offsetBytes = await this.offsetOf(uploadId);
    const seen = this.#hashes.get(uploadId);
    if (seen && seen.sizeBytes === offsetBytes) return seen;
    const read = { hash: createHash('sha256'), sizeBytes: 0 };
    for await (const chunk of createReadStream(this.#path(uploadId, BODY), { highWaterMark: READ_BYTES })) {
      read.hash.update(chunk);
      read.sizeBytes += chunk.length;
    }
    this.#hashes.set(uploadId, read);
    return read;
  }

  /** Read-only, as every stored episode is, and durable. */
  async #seal(uploadId: string): Promise<void> {
    const path = this.#path(uploadId, BODY);
    const handle = await open(path, 'r');
    try {
      await handle.chmod(0o444);
      await handle.sync().catch(async (error: unknown) => {
        await this.#forsake(uploadId);
        throw syncFailed(path, error);
      });
    } finally {
      await handle.close();
    }
    this.#afterStep('upload-synced');
  }

  /** After a failed fsync the cache may show what the disk lost: nobody may go on from that, after a restart neither. */
  async #forsake(uploadId: string): Promise<void> {
    // What cannot be removed either is no reason to hide the first failure.
    await this.remove(uploadId).catch(() => undefined);
  }

  #path(uploadId: string, ending: string): string {
    return join(this.#directory, `${uploadId}${ending}`);
  }
}
