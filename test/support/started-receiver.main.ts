// The real receiver, which stops as soon as it has completed the row that a crash left out. Argument: configuration file.

import { systemClock } from '../../src/lib/clock.ts';
import { loadConfig } from '../../src/lib/config/load-config.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { runReceiver } from '../../src/receiver/app.ts';
import { receiverConfigDefinition } from '../../src/receiver/receiver-config.ts';

const [configPath = ''] = process.argv.slice(2);
const stop = new AbortController();
const write = (line: string) => {
  process.stderr.write(line);
  if (line.includes('row completed')) stop.abort();
};
process.exitCode = await runReceiver({
  config: loadConfig(receiverConfigDefinition, configPath).config,
  version: null,
  stop: stop.signal,
  logger: createLogger({ level: 'info', form: 'plain', clock: systemClock, write }),
  clock: systemClock,
});
