// The real publication of a directory, which kills itself right after a named durable step was done.
// Arguments: configuration file, directory, step, and `keep` where the original is to stay.

import { labHostConfigDefinition } from '../../src/lab-host/lab-host-config.ts';
import { publishDirectory } from '../../src/lab-host/orchestrator/publish-directory.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { loadConfig } from '../../src/lib/config/load-config.ts';
import { killAfter } from './kill-after.ts';
import { plainLogger } from './plain-logger.ts';

const [configPath = '', directory = '', step = '', keep = ''] = process.argv.slice(2);
await publishDirectory({
  directory,
  given: { id: undefined, commit: undefined, schemaVersion: undefined },
  keep: keep === 'keep',
  config: loadConfig(labHostConfigDefinition, configPath).config,
  logger: plainLogger(),
  clock: systemClock,
  afterStep: killAfter(step, 1),
});
