// How far the store is from its reserve, below which no episode is taken.

import { formatSize } from '../../../lib/format-size.ts';
import { green, red, yellow } from '../../../lib/self-check/check-result.ts';
import { shellWord } from '../../../lib/shell-word.ts';
import type { Check } from '../check.ts';

const NEAR = 2;

export const reserveCheck: Check<'reserve'> = {
  id: 'reserve',
  timeoutMs: 10_000,
  async run({ config, lookAtDisk }) {
    const { root, min_free } = config.store;
    const { freeBytes } = await lookAtDisk(root);
    const found = `${formatSize(freeBytes)} free, min_free is ${formatSize(min_free)}`;
    const word = shellWord(root);
    const makeRoom = [`df -h ${word}`, `sudo du -xh --max-depth=2 ${word} | sort -h | tail -n 20`];
    if (freeBytes < min_free) return red(`${found}: every episode is put off with 507`, ...makeRoom);
    return freeBytes < min_free * NEAR ? yellow(found, ...makeRoom) : green(found);
  },
};
