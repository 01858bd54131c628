// Blobs as read-only files `episodes/<host>/<id>.tar.zst`, published by link(2) from `incoming/`, which never overwrites.
// Durable order: write → fsync file → link → fsync directory (a new host's: its parent first) → [row, by the ingest] → unlink incoming.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type BigIntStats, createReadStream, type Dirent } from 'node:fs';
import { link, lstat, mkdir, readdir, rename, stat, statfs, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type AfterStep, noStepObserver } from '../../lib/after-step.ts';
import { AppError, errnoOf, isMissing, isNoRoom } from '../../lib/app-error.ts';
import { fsyncDirectory, fsyncPath } from '../../lib/durable-file.ts';
import { removeFile } from '../../lib/remove-file.ts';
import { SharedSync } from '../../lib/shared-sync.ts';
import { EPISODE_SUFFIX, isEpisodeId, isHostId } from '../../protocol/ids.ts';
import type { BlobKey, BlobReader, BlobStore, BlobWrite, ListedBlob, UnfinishedBlob } from '../blob-store.ts';
import type { StorageStep } from '../storage-step.ts';
import { noSyncWatch, type WatchSync } from '../watch-sync.ts';
import { canLink, LINK_PROBE } from './can-link.ts';
import { diskFull, syncFailed } from './disk-errors.ts';
import { IncomingFile } from './incoming-file.ts';
import { modifiedAtWall } from './modified-at-wall.ts';
import { PieceSize } from './piece-size.ts';

// Not in the alphabet of ids, so that an incoming name can be read back into its key.
const SEPARATOR = '~';
const READ_BYTES = 256 * 1024;

export class FilesystemBlobStore implements BlobStore {
  readonly #root: string;
  readonly #afterStep: AfterStep<StorageStep>;
  readonly #watchSync: WatchSync;
  readonly #directorySyncs = new Map<string, SharedSync>();
  readonly #knownHosts = new Map<string, Promise<void>>();
  /** Shared by all bodies that come in, whichever way. */
  readonly pieceSize = new PieceSize();
  #syncFailure: AppError | undefined;

  private constructor(root: string, afterStep: AfterStep<StorageStep>, watchSync: WatchSync) {
    this.#root = root;
    this.#afterStep = afterStep;
    this.#watchSync = watchSync;
  }

  /** Makes the directories. Throws `not-one-filesystem` when `incoming/` and `episodes/` could not share a link. */
  static async open(
    root: string,
    afterStep: AfterStep<StorageStep> = noStepObserver,
    watchSync: WatchSync = noSyncWatch,
  ): Promise<FilesystemBlobStore> {
    for (const name of ['episodes', 'incoming']) await mkdir(join(root, name), { recursive: true });
    await fsyncDirectory(root);
    if (!(await canLink(join(root, 'incoming'), join(root, 'episodes')))) {
      throw new AppError('not-one-filesystem', `${root}/incoming and ${root}/episodes are on different filesystems`, {
        hint: `mount one filesystem at ${root}, or make both plain directories of it`,
      });
    }
    return new FilesystemBlobStore(root, afterStep, watchSync);
  }

  /** Beside the receiver that has the store: makes nothing, not even a directory. */
  static forReading(root: string): BlobReader {
    return new FilesystemBlobStore(root, noStepObserver, noSyncWatch);
  }

  async begin({ key, sha256, sizeBytes }: { key: BlobKey; sha256: string; sizeBytes?: number }): Promise<BlobWrite> {
    const name = [key.hostId, key.episodeId, randomBytes(8).toString('hex')].join(SEPARATOR);
    const incomingPath = join(this.#root, 'incoming', name);
    const file = new IncomingFile(incomingPath, () => this.pieceSize.bytes, this.#afterStep, this.#watchSync);
    let published = false;
    this.pieceSize.join(file);
    return {
      write: (chunk) => file.write(chunk),
      commit: async () => {
        this.pieceSize.leave(file);
        const found = await file.seal(sha256, sizeBytes);
        if (found) {
          await file.discard();
          return { kind: 'mismatch', ...found };
        }
        const outcome = await this.publish(incomingPath, key, () => {
          published = true;
        });
        if (outcome.kind === 'exists') await file.discard();
        return outcome;
      },
      finish: async () => {
        await removeFile(incomingPath);
        this.#afterStep('incoming-unlinked');
      },
      // Once published, the incoming name is what tells a restart that the row may be missing: it stays.
      abort: async () => {
        this.pieceSize.leave(file);
        if (!published) await file.discard();
      },
    };
  }

  /** Of a file on this filesystem whose content is durable. Throws `disk-full` or `sync-failed`. */
  async publish(
    path: string,
    key: BlobKey,
    onLinked: () => void = () => undefined,
  ): Promise<{ kind: 'created' | 'exists' }> {
    const directory = join(this.#root, 'episodes', key.hostId);
    await this.#ensureHostDirectory(key.hostId, directory);
    if (!(await this.#link(path, key))) {
      // Its publisher may not have come to this yet, or have failed at it.
      await this.#syncDirectory(directory);
      return { kind: 'exists' };
    }
    onLinked();
    this.#afterStep('published');
    await this.#syncDirectory(directory);
    this.#afterStep('directory-synced');
    return { kind: 'created' };
  }

  /** Whether a file is the published blob itself, under a second name: then the name is made durable, before a row may rest on it. */
  async isPublished(file: { ino: bigint; nlink: bigint }, key: BlobKey): Promise<boolean> {
    // More than one link alone is no proof: a backup may be made of hard links.
    if (file.nlink === 1n || (await statIfThere(this.#path(key)))?.ino !== file.ino) return false;
    // The crash may have come between link and fsync.
    await this.#syncDirectory(join(this.#root, 'episodes', key.hostId));
    return true;
  }

  async stat(key: BlobKey): Promise<{ sizeBytes: number; storedAtWall: string } | undefined> {
    const found = await statIfThere(this.#path(key));
    return found && { sizeBytes: Number(found.size), storedAtWall: modifiedAtWall(found) };
  }

  async read(key: BlobKey, range?: { start: number; end: number }): Promise<Readable> {
    try {
      // Not by a FileHandle: one that is dropped before its stream is read ends the process when it is collected.
      const stream = createReadStream(this.#path(key), { highWaterMark: READ_BYTES, ...range });
      await once(stream, 'open');
      return stream;
    } catch (error) {
      if (!isMissing(error)) throw error;
      throw new AppError('blob-missing', `the stored episode ${this.#path(key)} is not there`, { cause: error });
    }
  }

  async makeDurable(key: BlobKey): Promise<void> {
    const path = this.#path(key);
    try {
      await fsyncPath(path);
    } catch (error) {
      if (isMissing(error)) throw error;
      throw syncFailed(path, error);
    }
    await this.#syncDirectory(join(this.#root, 'episodes', key.hostId));
    await this.#syncDirectory(join(this.#root, 'episodes'));
  }

  async setAside(key: BlobKey): Promise<string> {
    const aside = join(this.#root, 'damaged');
    await mkdir(aside, { recursive: true });
    const name = [key.hostId, key.episodeId, randomBytes(4).toString('hex')].join(SEPARATOR);
    await rename(this.#path(key), join(aside, name));
    await this.#syncDirectory(aside);
    await this.#syncDirectory(join(this.#root, 'episodes', key.hostId));
    return join(aside, name);
  }

  async remove(key: BlobKey): Promise<void> {
    const directory = join(this.#root, 'episodes', key.hostId);
    await this.#dropSecondNames(key);
    try {
      await unlink(this.#path(key));
    } catch (error) {
      if (!isMissing(error)) throw error;
      // Another removal may have come first and not have reached its fsync.
      if (!(await statIfThere(directory))) return;
    }
    await this.#syncDirectory(directory);
  }

  async *list(): AsyncGenerator<ListedBlob> {
    for (const host of await entriesOf(join(this.#root, 'episodes'))) {
      // A receiver that starts at this moment tries the filesystem out.
      if (host.name === LINK_PROBE) continue;
      if (!host.isDirectory() || !isHostId(host.name)) {
        yield { kind: 'foreign', path: `episodes/${host.name}` };
        continue;
      }
      for (const file of await entriesOf(join(this.#root, 'episodes', host.name))) {
        const key = { hostId: host.name, episodeId: stemOf(file.name) };
        const isBlob = file.isFile() && file.name.endsWith(EPISODE_SUFFIX) && isEpisodeId(key.episodeId);
        yield isBlob ? { kind: 'blob', key } : { kind: 'foreign', path: `episodes/${host.name}/${file.name}` };
      }
    }
  }

  pathInRow(key: BlobKey): string {
    return `episodes/${key.hostId}/${key.episodeId}${EPISODE_SUFFIX}`;
  }

  async tryWrite(): Promise<void> {
    // It is nobody's second name: after a crash `recover` drops it.
    const path = join(this.#root, 'incoming', `try${SEPARATOR}${randomBytes(8).toString('hex')}`);
    try {
      await writeFile(path, 'x', { flag: 'wx' });
    } catch (error) {
      if (isNoRoom(error)) throw diskFull(path, error);
      throw error;
    } finally {
      await removeFile(path);
    }
  }

  async freeBytes(): Promise<number> {
    const filesystem = await statfs(this.#root);
    return filesystem.bavail * filesystem.bsize;
  }

  async recover(): Promise<{ unfinished: UnfinishedBlob[]; removed: { files: number; sizeBytes: number } }> {
    const unfinished: UnfinishedBlob[] = [];
    const removed = { files: 0, sizeBytes: 0 };
    for (const name of await readdir(join(this.#root, 'incoming'))) {
      const path = join(this.#root, 'incoming', name);
      const [hostId, episodeId] = name.split(SEPARATOR);
      const file = await lstat(path, { bigint: true });
      if (!file.isFile()) continue;
      const key = hostId !== undefined && episodeId !== undefined ? { hostId, episodeId } : undefined;
      if (!key || !(await this.isPublished(file, key))) {
        await removeFile(path);
        removed.files += 1;
        removed.sizeBytes += Number(file.size);
        continue;
      }
      unfinished.push({ key, finish: () => removeFile(path) });
    }
    return { unfinished, removed };
  }

  /** A commit that met a full disk leaves its incoming name, which still holds the bytes. */
  async #dropSecondNames(key: BlobKey): Promise<void> {
    const stored = await statIfThere(this.#path(key));
    if (!stored || stored.nlink === 1n) return;
    const prefix = `${key.hostId}${SEPARATOR}${key.episodeId}${SEPARATOR}`;
    for (const name of await readdir(join(this.#root, 'incoming'))) {
      const path = join(this.#root, 'incoming', name);
      if (name.startsWith(prefix) && (await statIfThere(path))?.ino === stored.ino) await removeFile(path);
    }
  }

  /** False when another blob already has the key. */
  async #link(incomingPath: string, key: BlobKey): Promise<boolean> {
    try {
      await link(incomingPath, this.#path(key));
      return true;
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return false;
      if (isNoRoom(error)) throw diskFull(this.#path(key), error);
      // Somebody removed the host's directory: the next commit makes it again.
      if (isMissing(error)) this.#knownHosts.delete(key.hostId);
      throw error;
    }
  }

  /** Made and durable once in this process's life; those who come meanwhile wait for the same. */
  async #ensureHostDirectory(hostId: string, directory: string): Promise<void> {
    let made = this.#knownHosts.get(hostId);
    if (!made) {
      made = makeDirectory(directory).then(() => this.#syncDirectory(join(this.#root, 'episodes')));
      this.#knownHosts.set(hostId, made);
      made.catch(() => this.#knownHosts.delete(hostId));
    }
    await made;
  }

  async #syncDirectory(directory: string): Promise<void> {
    let shared = this.#directorySyncs.get(directory);
    if (!shared) {
      shared = new SharedSync(() => this.#fsyncOnce(directory));
      this.#directorySyncs.set(directory, shared);
    }
    try {
      await shared.request();
    } finally {
      if (shared.idle) this.#directorySyncs.delete(directory);
    }
  }

  /** After one failure never again: the next fsync would report success for names that the first one lost. */
  async #fsyncOnce(directory: string): Promise<void> {
    if (this.#syncFailure) throw this.#syncFailure;
    const synced = this.#watchSync('directory');
    try {
      await fsyncDirectory(directory);
      synced();
    } catch (error) {
      this.#syncFailure ??= syncFailed(directory, error);
      throw this.#syncFailure;
    }
  }

  #path(key: BlobKey): string {
    return join(this.#root, this.pathInRow(key));
  }
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    if (isNoRoom(error)) throw diskFull(path, error);
    throw error;
  }
}

async function statIfThere(path: string): Promise<BigIntStats | undefined> {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** In the order of the ids that the names hold; none when the directory has gone meanwhile. */
async function entriesOf(directory: string): Promise<Dirent[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.sort((one, other) => compareTexts(stemOf(one.name), stemOf(other.name)));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function compareTexts(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

function stemOf(name: string): string {
  return name.endsWith(EPISODE_SUFFIX) ? name.slice(0, -EPISODE_SUFFIX.length) : name;
}
