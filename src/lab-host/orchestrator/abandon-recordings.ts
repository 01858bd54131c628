// What was not recorded to its end is set aside under `recording/abandoned/` with the reason: never shipped, never deleted.

import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { fsyncDirectory, toJsonFile, writeFileDurably } from '../../lib/durable-file.ts';
import { lstatIfThere } from '../../lib/is-there.ts';
import type { Logger } from '../../lib/logger.ts';
import { isStaging, sweepStagings } from './staging.ts';

const ABANDONED = 'abandoned';
const REASON_FILE = 'abandoned_reason.json';

export interface AbandonContext {
  /** `<data_dir>/recording` */
  recordingDirectory: string;
  clock: Clock;
  logger: Logger;
}

/**
 * At start, before anything records: all that lies in `recording/` was cut off by a crash, but what a `cis490 publish` copies there
 * now. Returns how many there were.
 */
export async function abandonLeftovers(context: AbandonContext): Promise<number> {
  await sweepStagings(context.recordingDirectory, context.logger);
  const names = (await readdir(context.recordingDirectory)).filter((name) => name !== ABANDONED && !isStaging(name));
  for (const name of names) {
    const path = await abandonRecording(context, name, 'the orchestrator stopped while this was being recorded');
    context.logger.warn({ path }, 'set aside an unfinished recording');
  }
  return names.length;
}

/**
 * Moves `recording/<name>` to `recording/abandoned/<name>` (`.2`, `.3`, … where that is taken) and returns the new path,
 * or undefined when there is nothing of that name. A lone file gets a directory around it, so that each holds its reason.
 */
export async function abandonRecording(
  { recordingDirectory, clock, logger }: AbandonContext,
  name: string,
  reason: string,
): Promise<string | undefined> {
  const from = join(recordingDirectory, name);
  const kind = await kindOf(from);
  if (kind === 'missing') return undefined;

  const abandonedDirectory = join(recordingDirectory, ABANDONED);
  await mkdir(abandonedDirectory, { recursive: true });
  const to = await freePath(join(abandonedDirectory, name));
  if (kind === 'directory') await rename(from, to);
  else {
    await mkdir(to);
    await rename(from, join(to, name));
  }
  await fsyncDirectory(abandonedDirectory);
  await fsyncDirectory(recordingDirectory);
  // Last, because it needs room on the disk and the move does not: a full disk must not keep a leftover in the way.
  try {
    const content = toJsonFile({ abandoned_at_wall: clock.wallTime(), reason });
    await writeFileDurably(join(to, REASON_FILE), content);
  } catch (err) {
    logger.warn({ err, path: to, reason }, 'could not write why a recording was set aside');
  }
  return to;
}

async function freePath(wanted: string): Promise<string> {
  let path = wanted;
  for (let n = 2; (await kindOf(path)) !== 'missing'; n += 1) path = `${wanted}.${n}`;
  return path;
}

async function kindOf(path: string): Promise<'missing' | 'directory' | 'other'> {
  const stats = await lstatIfThere(path);
  if (!stats) return 'missing';
  return stats.isDirectory() ? 'directory' : 'other';
}
