// npm test: every test, or those of the files that are named, each file in a process of its own; the runner's summary stands last. The
// longest come first and the short ones fill the gaps, so that no long one runs alone at the end.

import { globSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const ROOT = join(import.meta.dirname, '..');
// Those of minutes, much of it waiting for machines, browsers and intervals.
const LONGEST = [
  'test/diagnosis/diagnosis.test.ts',
  'test/system/updates.test.ts',
  'test/e2e/dashboard/every-page.test.ts',
  'test/system/host-life.test.ts',
  'test/system/installers.test.ts',
  'test/system/installed.test.ts',
  'test/system/releases.test.ts',
  'test/crash/command-boundaries.test.ts',
  'test/fault/receiver-away.test.ts',
];
// About half of its time a file waits for a disk, an interval or a program of another: four keep two cores busy, and need no more memory
// where there are more of them.
const AT_ONCE = 4;

const across = globSync('test/**/*.test.ts', { cwd: ROOT }).sort();
const units = globSync('src/**/*.test.ts', { cwd: ROOT }).sort();
const named = process.argv.slice(2);
const files = named.length > 0 ? named : [...new Set([...LONGEST, ...across, ...units])];

run({
  files: files.map((file) => resolve(ROOT, file)),
  concurrency: AT_ONCE,
  execArgv: ['--import', join(import.meta.dirname, 'support/compile-cache.ts')],
})
  .on('test:fail', ({ todo }) => {
    if (todo === undefined || todo === false) process.exitCode = 1;
  })
  .compose(spec())
  .pipe(process.stdout);
