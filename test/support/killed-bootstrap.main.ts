// The real bootstrap, which kills itself right after a named durable step of it, or of its certificate, was done.
// Arguments: root directory, program's tree, seed file, step.

import { runBootstrap } from '../../src/lab-host/bootstrap/app.ts';
import { runCertFetch } from '../../src/lab-host/cert-fetch/app.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { killAfter } from './kill-after.ts';
import { plainLogger } from './plain-logger.ts';

const [root = '', tree = '', seedPath = '', step = ''] = process.argv.slice(2);
const afterStep = killAfter(step, 1);
const shared = {
  stop: new AbortController().signal,
  clock: systemClock,
  logger: plainLogger(),
  afterStep,
};
const limits = { renewAt: 0.66, connectTimeoutMs: 60_000, idleTimeoutMs: 60_000 };
process.exitCode = await runBootstrap({
  flags: {},
  seedPath,
  root,
  isImage: false,
  uid: 0,
  tree,
  hostName: 'lab-1',
  environment: process.env,
  enrol: async (request) => await runCertFetch({ ...request, ...limits, ...shared }),
  print: (line) => process.stdout.write(`${line}\n`),
  ...shared,
});
