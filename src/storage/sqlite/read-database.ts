// Reads one of the receiver's databases from another program: nothing is made, nothing stays open, and no writer waits.

import { existsSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { AppError, isMissing, messageOf } from '../../lib/app-error.ts';
import { sqliteFailureOf } from './sqlite-errors.ts';

const BUSY_TIMEOUT_MS = 5;
const PAUSE_MS = 5;
const MAX_TRIES = 500;

const [ALONE, WITH_LOG] = ['alone', 'with a log'];

/** `disturbed`: another process opened, changed or held the database meanwhile. */
type Look<T> = { kind: 'read'; value: T } | { kind: 'missing' | 'disturbed' };

/**
 * Gives what `work` reads; it is called again when it was disturbed. Undefined when there is no such file. Throws `cannot-read`, with
 * `cure` as its hint for a database that is damaged.
 */
export async function readDatabase<T>(
  path: string,
  cure: string,
  work: (database: DatabaseSync) => T,
): Promise<T | undefined> {
  for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
    const look = lookInto(path, cure, work);
    if (look.kind === 'read') return look.value;
    if (look.kind === 'missing') return undefined;
    await delay(PAUSE_MS);
  }
  throw new AppError('cannot-read', `${path} is held by another process for too long`, {
    retryable: true,
    hint: `find it with: fuser -v ${path}`,
  });
}

function lookInto<T>(path: string, cure: string, work: (database: DatabaseSync) => T): Look<T> {
  const before = stateOf(path);
  if (before === undefined) return { kind: 'missing' };
  try {
    const value = openAndRead(path, isAlone(before), work);
    return wasDisturbed(path, before) ? { kind: 'disturbed' } : { kind: 'read', value };
  } catch (error) {
    if (sqliteFailureOf(error) === 'busy' || wasDisturbed(path, before)) return { kind: 'disturbed' };
    throw error instanceof AppError ? error : cannotRead(path, cure, error);
  }
}

/**
 * Without a log beside it nobody has it open. To open it as what it is would make a log and leave it there, even when it is opened for
 * reading (https://sqlite.org/wal.html, "Read-Only Databases"); so it is read as a file that nobody changes.
 */
function openAndRead<T>(path: string, isUnchanging: boolean, work: (database: DatabaseSync) => T): T {
  const url = pathToFileURL(path);
  if (isUnchanging) url.search = 'immutable=1';
  const database = new DatabaseSync(url, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
  try {
    return work(database);
  } finally {
    database.close();
  }
}

/** What tells that a process has opened or changed a database. Undefined when there is none. Throws `cannot-read`. */
function stateOf(path: string): string | undefined {
  try {
    const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true });
    return [existsSync(`${path}-wal`) ? WITH_LOG : ALONE, dev, ino, size, mtimeNs].join(' ');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw cannotRead(path, '', error);
  }
}

function isAlone(state: string): boolean {
  return state.startsWith(ALONE);
}

/** With a log SQLite itself sees to it that what is read is of one moment. */
function wasDisturbed(path: string, before: string): boolean {
  return isAlone(before) && stateOf(path) !== before;
}

function cannotRead(path: string, cure: string, error: unknown): AppError {
  // What is stored as JSON was written as JSON; and where tables are missing, it is no database of ours.
  const isDamaged = sqliteFailureOf(error) === 'damaged' || isUnknownTable(error) || error instanceof SyntaxError;
  return new AppError('cannot-read', `${path} cannot be read: ${messageOf(error)}`, {
    hint: isDamaged ? cure : `run it as the user of the receiver, as a rule cis490; see: ls -l ${path}*`,
    cause: error,
  });
}

/** SQLITE_ERROR, the statement does not fit the tables: the statements here are fixed. */
function isUnknownTable(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 1;
}
