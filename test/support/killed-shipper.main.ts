// One pass of the real shipper, which kills itself right after the nth time that a named durable step was done.
// Arguments: configuration file, step, n.

import { labHostConfigDefinition } from '../../src/lab-host/lab-host-config.ts';
import { runShipper } from '../../src/lab-host/shipper/app.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { loadConfig } from '../../src/lib/config/load-config.ts';
import { killAfter } from './kill-after.ts';
import { plainLogger } from './plain-logger.ts';
import { PROJECT_ROOT } from './program.ts';

const [configPath = '', step = '', nth = '1'] = process.argv.slice(2);
await runShipper({
  config: loadConfig(labHostConfigDefinition, configPath).config,
  installRoot: PROJECT_ROOT,
  once: true,
  stop: new AbortController().signal,
  logger: plainLogger(),
  clock: systemClock,
  afterStep: killAfter(step, Number(nth)),
});
