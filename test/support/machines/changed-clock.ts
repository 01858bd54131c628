// Loaded before a program of the machines: its wall clock is off by what two files say, live; and where HURRY is set, its intervals pass so
// many times faster. Limits of sockets and handshakes stay as they are.

import { readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';

/** Of all machines, and of this one. */
const OFF_FILES = ['/run/clock/off-ms', '/etc/clock-off-ms'];
const hurry = Number(process.env['HURRY'] ?? '1');

const trueInstant = Temporal.Now.instant.bind(Temporal.Now);
const trueDateNow = Date.now.bind(Date);
Temporal.Now.instant = () => trueInstant().add({ milliseconds: offMs() });
Date.now = () => trueDateNow() + offMs();

if (hurry !== 1) {
  const trueNow = performance.now.bind(performance);
  performance.now = () => trueNow() * hurry;
  const trueSleep = timers.setTimeout;
  timers.setTimeout = (ms, value, options) => trueSleep(ms === undefined ? ms : ms / hurry, value, options);
  syncBuiltinESMExports();
}

function offMs(): number {
  return OFF_FILES.map(readMs).reduce((sum, ms) => sum + ms, 0);
}

function readMs(path: string): number {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return 0;
  }
}
