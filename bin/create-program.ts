// The whole command line as one tree, in the groups in which its overview shows it. Help, completion and the reference are made from it.
// Nothing is run, and no program is loaded, before a command is called.

import { Command, Option } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { registerAlerts } from './commands/alerts.ts';
import { registerAllInOne } from './commands/all-in-one.ts';
import { registerAutoupdate } from './commands/autoupdate.ts';
import { registerBackup } from './commands/backup.ts';
import { registerBootstrap } from './commands/bootstrap.ts';
import { registerCa } from './commands/ca.ts';
import { registerCertFetch } from './commands/cert-fetch.ts';
import { examples } from './commands/common.ts';
import { registerCompletion } from './commands/completion.ts';
import { registerConfig } from './commands/config.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerEpisode } from './commands/episode.ts';
import { registerExport } from './commands/export.ts';
import { registerFleet } from './commands/fleet.ts';
import { registerFleetHealth } from './commands/fleet-health.ts';
import { registerGate } from './commands/gate.ts';
import { registerHelp } from './commands/help.ts';
import { registerHost } from './commands/host.ts';
import { registerIndex } from './commands/index.ts';
import { registerLabHost } from './commands/lab-host.ts';
import { registerPublish } from './commands/publish.ts';
import { registerQuarantine } from './commands/quarantine.ts';
import { registerReceiver } from './commands/receiver.ts';
import { registerRelease } from './commands/release.ts';
import { registerShipHealth } from './commands/ship-health.ts';
import { registerToken } from './commands/token.ts';
import { describeVersion } from './describe-version.ts';
import { COMMON_GROUP, styleHelp } from './help-style.ts';
import { explainMistakes } from './usage-errors.ts';

export function createProgram(): Command {
  const program = new Command('cis490')
    .description(
      'collects recorded episodes from a fleet of Linux lab hosts into one store, exactly once, from trusted code only',
    )
    // Else a command with subcommands would take what is meant for one of those.
    .enablePositionalOptions()
    .helpCommand(false)
    .addHelpOption(new Option('-h, --help', 'tell how the command is used').helpGroup(COMMON_GROUP))
    .addOption(
      new Option('-V, --version', 'tell the version, its commit, and the Node that runs it').helpGroup(COMMON_GROUP),
    )
    .on('option:version', () => {
      process.stdout.write(describeVersion(manifest.version));
      process.exit(0);
    });
  styleHelp(program);
  program.commandsGroup('Try it:');
  registerAllInOne(program);
  program.commandsGroup('Watch and ask, from any machine:');
  registerFleet(program);
  registerAlerts(program);
  registerExport(program);
  program.commandsGroup('On a lab host:');
  registerBootstrap(program);
  registerLabHost(program);
  registerPublish(program);
  registerQuarantine(program);
  registerShipHealth(program);
  registerCertFetch(program);
  registerAutoupdate(program);
  program.commandsGroup('On the receiver:');
  registerReceiver(program);
  registerGate(program);
  registerHost(program);
  registerToken(program);
  registerCa(program);
  registerRelease(program);
  registerIndex(program);
  registerBackup(program);
  registerFleetHealth(program);
  program.commandsGroup('On either:');
  registerDoctor(program);
  registerConfig(program);
  registerEpisode(program);
  program.commandsGroup('About the commands:');
  registerCompletion(program);
  registerHelp(program);
  program.addHelpText(
    'after',
    examples('cis490 help alerts', 'cis490 help alerts silence', 'cis490 all-in-one') + WHERE_TO_READ,
  );
  explainMistakes(program);
  return program;
}

const WHERE_TO_READ = `\n\nThe guide, by task: docs/README.md`;
