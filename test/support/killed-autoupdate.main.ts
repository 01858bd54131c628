// One real update, which kills itself right after a named durable step was done. Its time passes as it is slept away.
// Arguments: configuration file, installed release, step.

import { runAutoupdate } from '../../src/lab-host/autoupdate/app.ts';
import { labHostConfigDefinition } from '../../src/lab-host/lab-host-config.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { loadConfig } from '../../src/lib/config/load-config.ts';
import { programRunner } from '../../src/lib/self-check/run-program.ts';
import { killAfter } from './kill-after.ts';
import { plainLogger } from './plain-logger.ts';

const [configPath = '', installRoot = '', step = ''] = process.argv.slice(2);
let sleptMs = 0;
const clock: Clock = {
  wallTime: systemClock.wallTime,
  monotonicMs: () => systemClock.monotonicMs() + sleptMs,
  sleep: async (ms) => {
    sleptMs += ms;
  },
};
const { exitCode } = await runAutoupdate({
  config: loadConfig(labHostConfigDefinition, configPath).config,
  configPath,
  installRoot,
  check: false,
  run: programRunner(process.env),
  clock,
  logger: plainLogger(clock),
  stop: new AbortController().signal,
  afterStep: killAfter(step, 1),
});
process.exitCode = exitCode;
