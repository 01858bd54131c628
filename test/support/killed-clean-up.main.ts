// One pass of the real shipper, which kills itself right after it has told the nth time that an episode was deleted by age.
// Arguments: configuration file, n.

import { labHostConfigDefinition } from '../../src/lab-host/lab-host-config.ts';
import { runShipper } from '../../src/lab-host/shipper/app.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { loadConfig } from '../../src/lib/config/load-config.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { killAfter } from './kill-after.ts';
import { PROJECT_ROOT } from './program.ts';

const [configPath = '', nth = '1'] = process.argv.slice(2);
const told = killAfter('deleted by age', Number(nth));
await runShipper({
  config: loadConfig(labHostConfigDefinition, configPath).config,
  installRoot: PROJECT_ROOT,
  once: true,
  stop: new AbortController().signal,
  logger: createLogger({
    level: 'info',
    form: 'plain',
    clock: systemClock,
    write: (line) => {
      process.stderr.write(line);
      if (line.includes('deleted by age')) told('deleted by age');
    },
  }),
  clock: systemClock,
});
