// alerts.jsonl: appended to by one run at a time, each row a whole line; asked for the keys of an hour without reading it all again.

import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { AppError, errnoOf, isMissing, isNoRoom, messageOf } from '../../lib/app-error.ts';
import { fsyncDirectory } from '../../lib/durable-file.ts';
import { parseJson } from '../../lib/parse-json.ts';
import { type AlertRow, alertRowSchema } from '../../protocol/alert.ts';
import type { AlertLog, KnownKeys } from '../alert-log.ts';
import { diskFull, syncFailed } from './disk-errors.ts';
import { followJsonl, type JsonlNews } from './jsonl-follow.ts';
import { readUpTo } from './jsonl-mark.ts';
import { NEWLINE } from './line-pieces.ts';
import { storedTimeUs } from './stored-time.ts';

/** Up to where the file was read, and the keys of `hour` and later ones: a clock that was ahead has left some, and may come to them. */
const markSchema = z.object({ file: z.string(), hour: z.string(), keys: z.record(z.string(), z.array(z.string())) });

type KeysByHour = Map<string, Set<string>>;

export class JsonlAlertLog implements AlertLog {
  readonly #path: string;

  /** The file need not be there. */
  constructor(path: string) {
    this.#path = path;
  }

  async keysOf(hour: string, mark: string | undefined): Promise<KnownKeys> {
    const known = parseMark(mark);
    const covered = known && known.hour <= hour ? known : undefined;
    const news = await this.#follow(covered?.file);
    if (!news) return { keys: new Set(), mark: '' };
    const kept: KeysByHour = new Map();
    if (covered && !news.isAnew) {
      for (const [of, keys] of Object.entries(covered.keys)) if (of >= hour) kept.set(of, new Set(keys));
    }
    for await (const piece of news.pieces) addKeys(kept, piece.toString('utf8'), hour);
    const keys = Object.fromEntries([...kept].map(([of, found]) => [of, [...found]]));
    const newMark = JSON.stringify({ file: news.mark(), hour, keys });
    // A row that lacks nothing but its newline will be a row as soon as another one is appended.
    addKeys(kept, news.torn.toString('utf8'), hour);
    return { keys: kept.get(hour) ?? new Set(), mark: newMark };
  }

  async append(rows: readonly AlertRow[]): Promise<void> {
    if (rows.length === 0) return;
    const handle = await this.#openToAppend();
    try {
      await appendDurably(this.#path, handle, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    } finally {
      await handle.close();
    }
  }

  async #follow(mark: string | undefined): Promise<JsonlNews | undefined> {
    try {
      return await followJsonl(this.#path, mark);
    } catch (error) {
      if (error instanceof AppError && isMissing(error.cause)) return undefined;
      throw error;
    }
  }

  async #openToAppend(): Promise<FileHandle> {
    try {
      const made = await open(this.#path, 'ax+', 0o644);
      // Whatever the umask: others read it.
      await made.chmod(0o644);
      return made;
    } catch (error) {
      if (isNoRoom(error)) throw diskFull(this.#path, error);
      if (errnoOf(error) !== 'EEXIST') throw cannotWrite(this.#path, error);
    }
    return await open(this.#path, 'a+').catch((error: unknown) => {
      throw cannotWrite(this.#path, error);
    });
  }
}

/** Order: end a torn line → rows → fdatasync → for the first rows, the directory. On a failure to write the old length is restored. */
async function appendDurably(path: string, handle: FileHandle, text: string): Promise<void> {
  const { size } = await handle.stat();
  const last = size > 0 ? (await readUpTo(handle, size - 1, 1))[0] : NEWLINE;
  try {
    await handle.appendFile(last === NEWLINE ? text : `\n${text}`);
    await handle.datasync().catch((error: unknown) => {
      throw isNoRoom(error) ? error : syncFailed(path, error);
    });
  } catch (error) {
    await handle.truncate(size);
    throw isNoRoom(error) ? diskFull(path, error) : error;
  }
  // Whoever made the file may have been killed before its name was durable.
  if (size === 0) await fsyncDirectory(dirname(path));
}

function addKeys(keys: KeysByHour, text: string, sinceHour: string): void {
  for (const line of text.split('\n')) {
    const row = parseRow(line);
    if (!row || row.hour < sinceHour) continue;
    const found = keys.get(row.hour) ?? new Set();
    keys.set(row.hour, found.add(row.key));
  }
}

const keyedSchema = alertRowSchema.pick({ dedup_key: true, detected_at_wall: true });

function parseRow(line: string): { hour: string; key: string } | undefined {
  const row = keyedSchema.safeParse(parseJson(line)).data;
  const detectedAtUs = row && storedTimeUs(row.detected_at_wall);
  if (!row || detectedAtUs === undefined) return undefined;
  return { hour: new Date(detectedAtUs / 1000).toISOString().slice(0, 13), key: row.dedup_key };
}

function parseMark(text: string | undefined): z.infer<typeof markSchema> | undefined {
  return text === undefined ? undefined : markSchema.safeParse(parseJson(text)).data;
}

function cannotWrite(path: string, error: unknown): AppError {
  return new AppError('cannot-write', `${path} cannot be written: ${messageOf(error)}`, {
    hint: `see who may write there: ls -ld ${dirname(path)} ${path}`,
    cause: error,
  });
}
