// What the shipper does with the answer for an episode that was drained while it was sent; kills itself right after a named durable step.
// Arguments: configuration file, episode, receipt as JSON, step.

import { dataLayout } from '../../src/lab-host/data-layout.ts';
import { labHostConfigDefinition } from '../../src/lab-host/lab-host-config.ts';
import { fetchBackDrained } from '../../src/lab-host/shipper/queue-tools/fetch-back.ts';
import { loadConfig } from '../../src/lib/config/load-config.ts';
import { killAfter } from './kill-after.ts';

const [configPath = '', episodeId = '', receipt = '', step = ''] = process.argv.slice(2);
const { config } = loadConfig(labHostConfigDefinition, configPath);
await fetchBackDrained(dataLayout(config.paths.data_dir), episodeId, JSON.parse(receipt), killAfter(step, 1));
