// What a running process has cost so far, as the kernel counts it (man proc).

import { readFileSync } from 'node:fs';

// USER_HZ, in which /proc counts time, is 100 on every Linux that Node runs on (man time, "The Software Clock").
const TICKS_PER_S = 100;

export interface ProcessCost {
  residentMiB: number;
  /** The most that was ever resident. */
  peakMiB: number;
  /** Of all its threads, in user and kernel mode. */
  cpuS: number;
}

export function readProcessCost(pid: number | undefined): ProcessCost {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mibOf = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
  // The name of the program stands in parentheses, and may hold blanks: utime and stime are the 14th and 15th of all, the 12th and 13th after it.
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    residentMiB: mibOf('VmRSS'),
    peakMiB: mibOf('VmHWM'),
    cpuS: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S,
  };
}
