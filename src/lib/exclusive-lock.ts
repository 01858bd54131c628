// One process of a kind at a time, by a lock that dies with its holder: SQLite's file lock, which SIGKILL frees.

import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AppError, messageOf } from './app-error.ts';

export interface ExclusiveLock {
  release(): void;
}

/** Takes `<directory>/.<name>.lock.db`. Throws `already-running` when another process holds it. */
export function acquireExclusiveLock(directory: string, name: string): ExclusiveLock {
  const path = join(directory, `.${name}.lock.db`);
  const database = new DatabaseSync(path);
  try {
    chmodSync(path, 0o600);
    // The journal in memory: on a full disk the lock must still be had, so that somebody can tell of the full disk.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE;');
  } catch (error) {
    database.close();
    if (!messageOf(error).includes('locked')) throw error;
    throw new AppError('already-running', `another ${name} already works on ${directory}`, {
      hint: `find it with: fuser -v ${path}`,
      cause: error,
    });
  }
  return { release: () => database.close() };
}
