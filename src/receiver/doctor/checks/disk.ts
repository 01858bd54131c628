// What else ends a receiver than its reserve: no inodes for more files, or a system disk without room for logs and databases.

import { formatSize } from '../../../lib/format-size.ts';
import { type CheckResult, green, red, worstOf, yellow } from '../../../lib/self-check/check-result.ts';
import { shellWord } from '../../../lib/shell-word.ts';
import type { Check } from '../check.ts';
import type { DiskRoom } from '../disk-room.ts';

const SYSTEM = '/';
// Of the whole.
const LITTLE = 0.05;
const NEXT_TO_NOTHING = 0.01;

export const diskCheck: Check<'disk'> = {
  id: 'disk',
  timeoutMs: 10_000,
  async run({ config, lookAtDisk }) {
    const { root } = config.store;
    const [store, system] = await Promise.all([lookAtDisk(root), lookAtDisk(SYSTEM)]);
    // The space of the store itself is the reserve's.
    if (store.device === system.device) return inodes(root, store);
    return worstOf([inodes(root, store), inodes(SYSTEM, system), space(SYSTEM, system)]);
  },
};

function inodes(path: string, { inodesLeft }: DiskRoom): CheckResult {
  const found = `${path}: ${percent(inodesLeft)} of the inodes left`;
  const word = shellWord(path);
  const cure = [`df -i ${word}`, `sudo du --inodes -x --max-depth=2 ${word} | sort -n | tail -n 20`];
  if (inodesLeft < NEXT_TO_NOTHING) return red(found, ...cure);
  return inodesLeft < LITTLE ? yellow(found, ...cure) : green(found);
}

function space(path: string, { freeBytes, totalBytes }: DiskRoom): CheckResult {
  const left = totalBytes === 0 ? 1 : freeBytes / totalBytes;
  const found = `${path}: ${formatSize(freeBytes)} free`;
  const cure = [`df -h ${shellWord(path)}`, 'sudo journalctl --vacuum-size=500M'];
  if (left < NEXT_TO_NOTHING) return red(found, ...cure);
  return left < LITTLE ? yellow(found, ...cure) : green(found);
}

function percent(part: number): string {
  return `${Math.floor(part * 100)} %`;
}
