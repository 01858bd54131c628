// One of the commands that change the queue, which kills itself right after the nth time that a named durable step was done.
// Arguments: configuration file, step, n, command (requeue, reship, purge, drain).

import { labHostConfigDefinition } from '../../src/lab-host/lab-host-config.ts';
import { runDrain, runPurge, runRequeue, runReship } from '../../src/lab-host/shipper/queue-tools/app.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { loadConfig } from '../../src/lib/config/load-config.ts';
import { killAfter } from './kill-after.ts';
import { plainLogger } from './plain-logger.ts';

const [configPath = '', step = '', nth = '1', command = ''] = process.argv.slice(2);
const write = (text: string) => void process.stderr.write(text);
const options = {
  config: loadConfig(labHostConfigDefinition, configPath).config,
  clock: systemClock,
  logger: plainLogger(),
  output: { write },
  afterStep: killAfter(step, Number(nth)),
};
const commands: Record<string, () => Promise<number>> = {
  requeue: () => runRequeue(options, { selection: { ids: [] }, all: true, dryRun: false, json: false }),
  reship: () => runReship(options, { ids: [], since: '2020-01-01', dryRun: false, json: false }),
  purge: () =>
    runPurge(options, {
      selection: { ids: [], code: 'conflict' },
      dryRun: false,
      json: false,
      confirm: async () => true,
    }),
  drain: () => runDrain(options, { dryRun: false, json: false }),
};
process.exitCode = await commands[command]?.();
