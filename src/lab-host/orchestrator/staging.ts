// `recording/.publish-<random>/`: where `cis490 publish` copies to. A lock that dies with its holder lies in it, so that a copy under
// way is told from what a crash left.

import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, messageOf } from '../../lib/app-error.ts';
import { acquireExclusiveLock, type ExclusiveLock } from '../../lib/exclusive-lock.ts';
import { isThere } from '../../lib/is-there.ts';
import type { Logger } from '../../lib/logger.ts';
import { shellWord } from '../../lib/shell-word.ts';
import { removeTree } from './tree-commands.ts';

const PREFIX = '.publish-';
const LOCK = 'publish';
const TRIES = 5;

export interface Staging {
  directory: string;
  /** Removes it, and what is left in it. */
  remove(): Promise<void>;
}

export function isStaging(name: string): boolean {
  return name.startsWith(PREFIX);
}

export async function makeStaging(recordingDirectory: string): Promise<Staging> {
  for (let tries = 1; ; tries += 1) {
    const directory = join(recordingDirectory, `${PREFIX}${randomBytes(6).toString('hex')}`);
    await mkdir(directory, { mode: 0o700 });
    try {
      const lock = acquireExclusiveLock(directory, LOCK);
      return { directory, remove: () => removeLocked(directory, lock) };
    } catch (error) {
      // A sweep found it before it was locked.
      if (tries === TRIES) throw error;
      await rm(directory, { recursive: true, force: true });
    }
  }
}

/** Removes the copies whose makers are gone. Nothing is lost: the original is removed only once its copy is published. */
export async function sweepStagings(recordingDirectory: string, logger: Logger): Promise<void> {
  for (const name of (await readdir(recordingDirectory)).filter(isStaging)) {
    const directory = join(recordingDirectory, name);
    try {
      await removeLocked(directory, acquireExclusiveLock(directory, LOCK));
      logger.info({ path: directory }, 'removed the copy of a publication that was cut off; its original is whole');
    } catch (error) {
      if (error instanceof AppError && error.code === 'already-running') continue;
      if (!(await isThere(directory))) continue;
      // Of root, killed before it gave its copy away. It is in nobody's way.
      const fields = { path: directory, reason: messageOf(error), hint: `sudo rm -rf ${shellWord(directory)}` };
      logger.warn(fields, 'the copy of a publication that was cut off cannot be removed');
    }
  }
}

async function removeLocked(directory: string, lock: ExclusiveLock): Promise<void> {
  try {
    await removeTree(directory);
  } finally {
    lock.release();
  }
}
