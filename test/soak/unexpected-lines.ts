// Tells what a program should never have logged while the soak's faults went on: errors that none of them explains, and all that is no
// log line at all, such as a stack.

import { parsePlainLogLine } from '../../src/lib/log-line.ts';

const SERIOUS = ['ERROR', 'CRITICAL'];

// Each with the fault that brings it about.
const EXPECTED: readonly RegExp[] = [
  // The gate moves on.
  /^episode refused and quarantined$/,
  /^remediation: /,
  // A reload finds a configuration with a mistake in it.
  /^the new configuration is not usable; the old one stays in force$/,
  // A lab host's disk is full.
  /^no room for the files of an episode: nothing is lost, it is tried again at each scan$/,
  /^disk is short and nothing more can be deleted: no recording starts until there is room$/,
];

/** A last line without its end was cut off by a kill, and counts for nothing. */
export function unexpectedLines(log: string): string[] {
  const lines = log.slice(0, log.lastIndexOf('\n') + 1).split('\n');
  return lines.filter((line) => {
    if (line === '') return false;
    const entry = parsePlainLogLine(line);
    if (!entry) return true;
    return SERIOUS.includes(entry.level) && !EXPECTED.some((pattern) => pattern.test(entry.message));
  });
}
