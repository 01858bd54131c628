// argv → program → exit code; nothing else. Each program is loaded only when it is called.

import { Command } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { AppError } from '../src/lib/app-error.ts';
import { registerAlerts } from './commands/alerts.ts';
import { registerAllInOne } from './commands/all-in-one.ts';
import { registerAutoupdate } from './commands/autoupdate.ts';
import { registerBackup } from './commands/backup.ts';
import { registerBootstrap } from './commands/bootstrap.ts';
import { registerCa } from './commands/ca.ts';
import { registerCertFetch } from './commands/cert-fetch.ts';
import { registerConfig } from './commands/config.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerEpisode } from './commands/episode.ts';
import { registerFleet } from './commands/fleet.ts';
import { registerFleetHealth } from './commands/fleet-health.ts';
import { registerGate } from './commands/gate.ts';
import { registerHost } from './commands/host.ts';
import { registerIndex } from './commands/index.ts';
import { registerLabHost } from './commands/lab-host.ts';
import { registerPublish } from './commands/publish.ts';
import { registerQuarantine } from './commands/quarantine.ts';
import { registerReceiver } from './commands/receiver.ts';
import { registerRelease } from './commands/release.ts';
import { registerShipHealth } from './commands/ship-health.ts';
import { registerToken } from './commands/token.ts';

const WORK_FAILED = 1;
const BAD_USAGE = 2;
// Failures that keep a program from starting at all, for want of a good configuration or input.
const USAGE_CODES = new Set([
  'bad-config',
  'bad-input',
  'cannot-make-directory',
  'telemetry-bad-range',
  'bad-certificate',
  'bad-tokens-file',
]);

// A program whose log is no longer read goes on; one whose output is no longer read has nobody left to tell.
process.stderr.on('error', () => undefined);

const program = new Command('cis490')
  .description(
    'Collects recorded episodes from a fleet of Linux lab hosts into one store, exactly once, from trusted code only.',
  )
  .version(manifest.version)
  // Else a command with subcommands would take what is meant for one of those.
  .enablePositionalOptions()
  .showHelpAfterError('Run with --help for the options and examples.')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : BAD_USAGE));

registerReceiver(program);
registerLabHost(program);
registerQuarantine(program);
registerPublish(program);
registerConfig(program);
registerEpisode(program);
registerIndex(program);
registerBackup(program);
registerAutoupdate(program);
registerToken(program);
registerCa(program);
registerGate(program);
registerRelease(program);
registerHost(program);
registerFleet(program);
registerAlerts(program);
registerFleetHealth(program);
registerDoctor(program);
registerShipHealth(program);
registerCertFetch(program);
registerBootstrap(program);
registerAllInOne(program);

await program.parseAsync().catch(fail);

function fail(error: unknown): void {
  if (!(error instanceof AppError)) {
    process.stderr.write(`cis490: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = WORK_FAILED;
    return;
  }
  process.stderr.write(`cis490: ${error.message}\n`);
  if (error.hint) process.stderr.write(`cis490: ${error.hint}\n`);
  process.exitCode = USAGE_CODES.has(error.code) ? BAD_USAGE : WORK_FAILED;
}
