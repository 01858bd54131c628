// A database that others have open, as it is at one moment, by SQLite's own backup; in its place only once it is whole and durable.

import { chmod, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { AppError } from '../../lib/app-error.ts';
import { fsyncDirectory, fsyncPath } from '../../lib/durable-file.ts';
import { isThere } from '../../lib/is-there.ts';
import { removeFile } from '../../lib/remove-file.ts';
import { explainSqliteError } from './sqlite-errors.ts';

const BUSY_TIMEOUT_MS = 10_000;
// All pages at once: a writer beside it would make the backup begin anew.
const ALL_PAGES = 2 ** 31 - 1;

/** Nothing where there is none. Throws `database-damaged`, `database-busy`, `disk-full`. */
export async function copyDatabase(from: string, to: string): Promise<void> {
  if (!(await isThere(from))) return;
  const temporary = `${to}.new`;
  try {
    using source = new DatabaseSync(from, { timeout: BUSY_TIMEOUT_MS });
    for (const suffix of ['', '-journal', '-wal', '-shm']) await removeFile(temporary + suffix);
    await backup(source, temporary, { rate: ALL_PAGES });
    await chmod(temporary, 0o600);
    checkIntegrity(temporary, from);
  } catch (error) {
    throw explainSqliteError(from, error);
  }
  await fsyncPath(temporary);
  await rename(temporary, to);
  await fsyncDirectory(dirname(to));
}

function checkIntegrity(path: string, from: string): void {
  using database = new DatabaseSync(path);
  // One file, and no log beside it that would have to be kept with it.
  database.exec('PRAGMA journal_mode = DELETE');
  const [first] = database.prepare('PRAGMA integrity_check(1)').all();
  const found = first?.['integrity_check'];
  if (found === 'ok') return;
  throw new AppError('database-damaged', `${from} is damaged: ${found}`, {
    hint: `stop the receiver and put ${from} back from its last good backup`,
  });
}
