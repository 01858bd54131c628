// The real export of a store, which kills itself right after the nth time that a named durable step was done.
// Arguments: store, bag, step, n.

import { runExport } from '../../src/export/app.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { killAfter } from './kill-after.ts';
import { plainLogger } from './plain-logger.ts';

const [root = '', directory = '', step = '', nth = '1'] = process.argv.slice(2);
process.exitCode = await runExport({
  from: { kind: 'store', root },
  directory,
  selection: { hosts: [], commits: [], since: undefined, until: undefined },
  jobs: 1,
  verify: false,
  json: false,
  output: process.stdout,
  progress: { update: () => undefined, clear: () => undefined },
  logger: plainLogger(),
  clock: systemClock,
  random: Math.random,
  stop: new AbortController().signal,
  afterStep: killAfter(step, Number(nth)),
});
