// Nothing deletes what was set aside: a person is told, at each start, how much of it there is.

import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../../lib/app-error.ts';
import { formatSize } from '../../lib/format-size.ts';
import type { Logger } from '../../lib/logger.ts';

/** One WARNING when there is any. Never rejects: it runs beside the recordings. */
export async function tellAbandoned(recordingDirectory: string, stop: AbortSignal, logger: Logger): Promise<void> {
  const path = join(recordingDirectory, 'abandoned');
  try {
    const count = (await readdir(path)).length;
    if (count === 0) return;
    const bytes = await sizeOf(path, stop);
    if (stop.aborted) return;
    const hint = `look why (abandoned_reason.json), hand over what is good (cis490 publish ${path}/…), remove the rest`;
    logger.warn({ count, size: formatSize(bytes), path, hint }, 'recordings that were set aside lie here');
  } catch (err) {
    logger.warn({ err, path }, 'what was set aside cannot be counted');
  }
}

/** What du(1) says: blocks, so that a sparse file counts for what it takes. */
async function sizeOf(directory: string, stop: AbortSignal): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (stop.aborted) break;
    const path = join(directory, entry.name);
    try {
      if (entry.isDirectory()) bytes += await sizeOf(path, stop);
      else bytes += (await lstat(path)).blocks * 512;
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  return bytes;
}
