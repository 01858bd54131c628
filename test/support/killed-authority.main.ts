// cis490 ca init, renew-ca, renew-ca --finish and server-certificate, which kill themselves right after a named durable step.
// Arguments: configuration file, command, step.

import { systemClock } from '../../src/lib/clock.ts';
import { loadConfig } from '../../src/lib/config/load-config.ts';
import { authorityConfigDefinition } from '../../src/receiver/certificates/command-context.ts';
import {
  finishRenewal,
  initAuthority,
  issueServerCertificate,
  renewAuthority,
} from '../../src/receiver/certificates/manage-authority.ts';
import { openControl, openEnrolments } from '../../src/storage/open-storage.ts';
import { killAfter } from './kill-after.ts';

const [configPath = '', command = '', step = ''] = process.argv.slice(2);
const { config } = loadConfig(authorityConfigDefinition, configPath);
const context = {
  config,
  control: await openControl(config.store.root),
  enrolments: await openEnrolments(config.store.root),
  clock: systemClock,
  output: { write: () => undefined, tell: () => undefined },
  by: 'test',
  afterStep: killAfter(step, 1),
};
if (command === 'init') await initAuthority({ names: ['localhost'] }, context);
if (command === 'renew-ca') await renewAuthority(context);
if (command === 'finish') await finishRenewal({ force: true }, context);
if (command === 'server-certificate') await issueServerCertificate({ names: [] }, context);
