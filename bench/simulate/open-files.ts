// Whether this machine lets one process hold as many connections as the simulation needs, and what to do where it does not.

import { readFileSync } from 'node:fs';

const SPARE_FILES = 256;
// The receiver counts a second descriptor for each connection's body, and keeps some for its own files.
const RECEIVER_PER_HOST = 2;
const RECEIVER_SPARE = 512;
// The most that it keeps, whatever it may open.
const MOST_AT_RECEIVER = 8_192;

/** What stands in the way, with its cure; undefined when nothing does. */
export function lackOfFiles(hosts: number, processes: number, limit = openFilesLimit()): string | undefined {
  const needed = Math.max(
    Math.ceil(hosts / processes) * RECEIVER_PER_HOST + SPARE_FILES,
    Math.min(hosts, MOST_AT_RECEIVER) * RECEIVER_PER_HOST + RECEIVER_SPARE,
  );
  if (limit >= needed) return undefined;
  return `${hosts} hosts in ${processes} processes need ${needed} open files in one process, and ${limit} are allowed: ulimit -n ${needed}, as root where the hard limit is lower (ulimit -Hn); more --processes need fewer in each`;
}

/** How the receiver bears more hosts than it keeps connections; undefined where it has one for each. */
export function peerLimitNote(hosts: number, connectionLimit: number): string | undefined {
  if (hosts <= connectionLimit) return undefined;
  return `The receiver keeps ${connectionLimit} connections. Beyond them the one that has been idle longest makes room for a new one: nobody is refused, and its host connects anew when it sends again.`;
}

/** Node raises the soft limit to the hard one by itself. */
function openFilesLimit(): number {
  const soft = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}
