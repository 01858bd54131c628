// The bag as a directory that one export at a time works in. Its manifest is there only while it tells the truth: it goes, durably, before
// anything below data/ changes, and comes back last.

import { access, constants, mkdir, readdir, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { AfterStep } from '../../lib/after-step.ts';
import { AppError, errnoOf, isMissing } from '../../lib/app-error.ts';
import { fsyncDirectory, writeFileDurably } from '../../lib/durable-file.ts';
import { acquireExclusiveLock, type ExclusiveLock } from '../../lib/exclusive-lock.ts';
import { writing } from '../../lib/explain-write-error.ts';
import { isThere } from '../../lib/is-there.ts';
import { readIfThere } from '../../lib/read-if-there.ts';
import { removeFile } from '../../lib/remove-file.ts';
import { shellWord } from '../../lib/shell-word.ts';
import type { EpisodeKey } from '../episode-source.ts';
import { explainReadError, reading } from '../explain-read-error.ts';
import type { ExportStep } from '../export-step.ts';
import { type Selection, selectionAsOptions } from '../selection.ts';
import { type BagDisk, systemDisk } from './bag-disk.ts';
import { formatBagInfo, readSelection } from './bag-info.ts';
import { EPISODES, episodePath, INFO, MANIFEST, PARTIAL_DIRECTORY, partialFile, SEPARATOR } from './bag-layout.ts';

export class BagDirectory {
  readonly path: string;
  readonly afterStep: AfterStep<ExportStep>;
  readonly disk: BagDisk;
  readonly #lock: ExclusiveLock;
  readonly #hosts = new Map<string, Promise<unknown>>();
  #changing: Promise<void> | undefined;
  #ignoresCase = false;

  private constructor(path: string, lock: ExclusiveLock, afterStep: AfterStep<ExportStep>, disk: BagDisk) {
    this.path = path;
    this.#lock = lock;
    this.afterStep = afterStep;
    this.disk = disk;
  }

  /**
   * Makes it, but not what leads to it. Throws `bad-input` for a directory of something else or a bag of another selection,
   * `already-running`, `disk-full`, `cannot-write`, `cannot-read`.
   */
  static async open(
    path: string,
    selection: Selection,
    afterStep: AfterStep<ExportStep>,
    disk: BagDisk = systemDisk,
  ): Promise<BagDirectory> {
    await makeOne(path);
    await requireOurs(path, selection);
    const lock = await writing(path, async () => acquireExclusiveLock(path, 'export'));
    try {
      const bag = new BagDirectory(path, lock, afterStep, disk);
      await writing(path, () => bag.#begin(selection));
      return bag;
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** It was whole when it was opened, and nothing of it has changed since. */
  async isWhole(): Promise<boolean> {
    const path = join(this.path, MANIFEST);
    return this.#changing === undefined && (await reading(path, () => isThere(path)));
  }

  /** Its disk takes names that differ in case alone for one. */
  get ignoresCase(): boolean {
    return this.#ignoresCase;
  }

  /** To be awaited before anything below data/ changes. */
  async beginChange(): Promise<void> {
    this.#changing ??= this.#dropManifest();
    await this.#changing;
  }

  /** Made once; its name is durable when the manifest is. */
  async ensureHost(hostId: string): Promise<void> {
    await this.#hosts.getOrInsertComputed(hostId, () => mkdir(join(this.path, EPISODES, hostId), { recursive: true }));
  }

  async removeEpisode(key: EpisodeKey): Promise<void> {
    await this.beginChange();
    const path = join(this.path, episodePath(key));
    await writing(path, async () => {
      await unlink(path);
    });
    this.afterStep('episode-removed');
  }

  /** Each file below data/, from the top of the bag; links are not followed. */
  async *payload(): AsyncGenerator<string> {
    yield* filesBelow(this.path, 'data');
  }

  /** Names below data/ survive a power cut, whichever run made them; a host without an episode has no directory. */
  async syncPayload(): Promise<void> {
    for (const { name, isDirectory } of await entriesOf(join(this.path, EPISODES))) {
      const host = join(this.path, EPISODES, name);
      if (isDirectory && !(await removeIfEmpty(host))) await fsyncDirectory(host);
    }
    for (const name of [EPISODES, 'data', '.']) await fsyncDirectory(join(this.path, name));
  }

  /** Of episodes that a run before this one has begun. */
  async partialBytes(): Promise<number> {
    let bytes = 0;
    for (const { name } of await entriesOf(join(this.path, PARTIAL_DIRECTORY))) {
      if (!name.includes(SEPARATOR)) continue;
      const path = partialFile(this.path, name);
      bytes += (await reading(path, () => stat(path))).size;
    }
    return bytes;
  }

  /** Whole and durable, in place of what stands under this name. */
  async writeTagFile(name: string, content: string): Promise<void> {
    await writeFileDurably(join(this.path, name), content, { temporaryPath: partialFile(this.path, name) });
  }

  /** `keep`: what is left of episodes that could not be had whole. */
  async cleanUp(keep: ReadonlySet<string>): Promise<void> {
    const directory = join(this.path, PARTIAL_DIRECTORY);
    await writing(directory, async () => {
      for (const { name } of await entriesOf(directory)) {
        if (!keep.has(join(directory, name))) await rm(join(directory, name), { recursive: true });
      }
      if (keep.size === 0) await rmdir(directory);
    });
    this.afterStep('cleaned-up');
  }

  close(): void {
    this.#lock.release();
  }

  async #begin(selection: Selection): Promise<void> {
    for (const name of [PARTIAL_DIRECTORY, EPISODES]) await mkdir(join(this.path, name), { recursive: true });
    this.#ignoresCase = await this.disk.ignoresCase(join(this.path, PARTIAL_DIRECTORY));
    if (await isThere(join(this.path, INFO))) return;
    await this.writeTagFile(INFO, formatBagInfo(selection));
    this.afterStep('selection-noted');
  }

  async #dropManifest(): Promise<void> {
    await writing(this.path, async () => {
      await removeFile(join(this.path, MANIFEST));
      await fsyncDirectory(this.path);
    });
    this.afterStep('manifest-dropped');
  }
}

/** A disk that is not mounted must not fill the one below it. */
async function makeOne(path: string): Promise<void> {
  await mkdir(path).catch(async (error: unknown) => {
    if (isMissing(error)) {
      throw new AppError('bad-input', `there is no directory ${dirname(path)} for ${path}`, {
        hint: `is its disk mounted? Else: mkdir -p ${shellWord(dirname(path))}`,
      });
    }
    if (errnoOf(error) === 'EEXIST' && (await stat(path)).isDirectory()) return;
    throw new AppError('bad-input', `the directory ${path} cannot be made`, {
      hint: `look at what is there: ls -ld ${shellWord(path)} ${shellWord(dirname(path))}`,
      cause: error,
    });
  });
  await access(path, constants.R_OK | constants.W_OK | constants.X_OK).catch((error: unknown) => {
    throw new AppError('bad-input', `${path} may not be written by this user`, {
      hint: `see whose it is: ls -ld ${shellWord(path)}`,
      cause: error,
    });
  });
}

async function requireOurs(path: string, asked: Selection): Promise<void> {
  const info = await reading(join(path, INFO), () => readIfThere(join(path, INFO)));
  if (info === undefined) {
    const others = (await readdir(path)).filter((name) => !isBeginning(name));
    for await (const file of filesBelow(path, 'data')) others.push(file);
    if (others.length === 0) return;
    throw new AppError('bad-input', `${path} is neither empty nor a bag: ${others[0]} lies there`, {
      hint: 'name an empty or a new directory: --out DIR',
    });
  }
  const found = readSelection(info);
  if (!found) {
    throw new AppError('bad-input', `${path} is a bag that something else has made`, {
      hint: 'name an empty or a new directory: --out DIR',
    });
  }
  const [was, is] = [selectionAsOptions(found), selectionAsOptions(asked)];
  if (was === is) return;
  throw new AppError('bad-input', `${path} is a bag of ${was || 'all episodes'}, and not of ${is || 'all episodes'}`, {
    hint: `bring it up to date: cis490 export --out ${shellWord(path)} ${was}; or name a new directory for another selection`,
  });
}

/** What a kill may have left before the selection was noted. */
function isBeginning(name: string): boolean {
  return name === PARTIAL_DIRECTORY || name === 'data' || name.startsWith('.export.lock.db') || name === 'lost+found';
}

async function removeIfEmpty(path: string): Promise<boolean> {
  try {
    await rmdir(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOTEMPTY') return false;
    throw error;
  }
}

async function* filesBelow(root: string, path: string): AsyncGenerator<string> {
  for (const { name, isDirectory } of await entriesOf(join(root, path))) {
    const below = `${path}/${name}`;
    if (isDirectory) yield* filesBelow(root, below);
    else yield below;
  }
}

async function entriesOf(path: string): Promise<{ name: string; isDirectory: boolean }[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.map((entry) => ({ name: entry.name, isDirectory: entry.isDirectory() }));
  } catch (error) {
    if (isMissing(error)) return [];
    throw explainReadError(path, error);
  }
}
