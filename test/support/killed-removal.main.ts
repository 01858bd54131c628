// Deletes one episode of shipped/ or quarantine/, as a clean-up does, and kills itself right after a named durable step.
// Arguments: configuration file, shipped or quarantine, name, step.

import { dataLayout } from '../../src/lab-host/data-layout.ts';
import { labHostConfigDefinition } from '../../src/lab-host/lab-host-config.ts';
import { removeSettled } from '../../src/lab-host/shipper/remove-settled.ts';
import { loadConfig } from '../../src/lib/config/load-config.ts';
import { killAfter } from './kill-after.ts';

const [configPath = '', place = '', name = '', step = ''] = process.argv.slice(2);
const layout = dataLayout(loadConfig(labHostConfigDefinition, configPath).config.paths.data_dir);
const directory = place === 'shipped' ? layout.shipped : layout.quarantine;
await removeSettled(layout, directory, name, killAfter(step, 1));
