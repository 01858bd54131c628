// One round of the real orchestrator, which kills itself right after the nth time that a named durable step was done.
// Arguments: configuration file, install root, step, n.

import { labHostConfigDefinition } from '../../src/lab-host/lab-host-config.ts';
import { runOrchestrator } from '../../src/lab-host/orchestrator/app.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { loadConfig } from '../../src/lib/config/load-config.ts';
import { createNotifier } from '../../src/lib/sd-notify.ts';
import { killAfter } from './kill-after.ts';
import { plainLogger } from './plain-logger.ts';

const [configPath = '', installRoot = '', step = '', nth = '1'] = process.argv.slice(2);
const { config } = loadConfig(labHostConfigDefinition, configPath);
const logger = plainLogger();
process.exitCode = await runOrchestrator({
  config,
  installRoot,
  once: true,
  stop: new AbortController().signal,
  reloads: { load: () => Promise.resolve(config), subscribe: () => undefined },
  notifier: createNotifier({}, logger),
  logger,
  clock: systemClock,
  afterStep: killAfter(step, Number(nth)),
});
