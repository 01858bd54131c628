// The real cert-fetch, which kills itself right after a named durable step was done.
// Arguments: identity directory, EST address, step, token (empty: a renewal that is forced).

import { join } from 'node:path';
import { runCertFetch } from '../../src/lab-host/cert-fetch/app.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Secret } from '../../src/lib/config/secret-file.ts';
import { killAfter } from './kill-after.ts';
import { plainLogger } from './plain-logger.ts';

const [identityRoot = '', estUrl = '', step = '', token = ''] = process.argv.slice(2);
await runCertFetch({
  identityRoot,
  hostId: 'lab-1',
  estUrl,
  caFile: join(identityRoot, 'ca.crt'),
  renewAt: 0.66,
  connectTimeoutMs: 60_000,
  idleTimeoutMs: 60_000,
  token: token === '' ? undefined : new Secret(token),
  force: token === '',
  stop: new AbortController().signal,
  clock: systemClock,
  logger: plainLogger(),
  afterStep: killAfter(step, 1),
});
