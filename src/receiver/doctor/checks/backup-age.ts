// When the store was last backed up, by the file that the backup touches as it ends well. Not watched where none is named.

import { stat } from 'node:fs/promises';
import { isMissing } from '../../../lib/app-error.ts';
import { formatDuration } from '../../../lib/format-duration.ts';
import { green, red, yellow } from '../../../lib/self-check/check-result.ts';
import { shellWord } from '../../../lib/shell-word.ts';
import type { Check } from '../check.ts';

const MUCH_TOO_OLD = 2;

export const backupAgeCheck: Check<'backup-age'> = {
  id: 'backup-age',
  timeoutMs: 10_000,
  async run({ config, nowMs }) {
    const { backup_stamp: path, backup_max_age_s: mostS } = config.store;
    if (path === undefined) return green('not watched: [store] backup_stamp names no file');
    const look = [`ls -l ${shellWord(path)}`, 'systemctl list-timers --all'];
    const found = await stat(path).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (!found) return red(`there is no ${path}: no backup has ended well yet`, ...look);
    const ageS = (nowMs - found.mtimeMs) / 1000;
    const age = `the last backup ended ${formatDuration(Math.max(0, ageS))} ago`;
    const limit = `${age}, more than ${formatDuration(mostS)}`;
    if (ageS > mostS * MUCH_TOO_OLD) return red(limit, ...look);
    return ageS > mostS ? yellow(limit, ...look) : green(age);
  },
};
