// The real receiver, which kills itself right after the nth time that a named durable step was done.
// Arguments: configuration file, step, n.

import { systemClock } from '../../src/lib/clock.ts';
import { loadConfig } from '../../src/lib/config/load-config.ts';
import { runReceiver } from '../../src/receiver/app.ts';
import { receiverConfigDefinition } from '../../src/receiver/receiver-config.ts';
import { killAfter } from './kill-after.ts';
import { plainLogger } from './plain-logger.ts';

const [configPath = '', step = '', nth = '1'] = process.argv.slice(2);
await runReceiver({
  config: loadConfig(receiverConfigDefinition, configPath).config,
  version: null,
  stop: new AbortController().signal,
  logger: plainLogger(),
  clock: systemClock,
  afterStep: killAfter(step, Number(nth)),
});
