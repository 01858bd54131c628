// What the kernel says that a process holds: memory and open descriptors.

import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessFacts {
  rssMiB: number;
  /** Its share of what it has in common with others counted by halves, thirds and so on (man proc, smaps_rollup). */
  pssMiB: number;
  descriptors: number;
}

/** Undefined once the process has ended. */
export function readProcessFacts(pid: number | undefined): ProcessFacts | undefined {
  if (pid === undefined) return undefined;
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    const mibOf = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1]) / 1024;
    return { rssMiB: mibOf('Rss'), pssMiB: mibOf('Pss'), descriptors: readdirSync(`/proc/${pid}/fd`).length };
  } catch {
    return undefined;
  }
}
