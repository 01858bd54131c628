// cis490 fleet, fleet show.

import type { Command } from 'commander';
import { type AskOptions, askWith, optionsOf, withAskOptions } from './ask-receiver.ts';
import { examples } from './common.ts';

export function registerFleet(program: Command): void {
  const fleet = withAskOptions(program.command('fleet'))
    .summary('the lab hosts, the worst first')
    .description('the lab hosts, the worst first, and the commands for what is sick; asks the receiver')
    .option('--watch', 'draw it again every 5 s, until Ctrl-C')
    .enablePositionalOptions()
    .addHelpText(
      'after',
      examples(
        'cis490 fleet',
        'cis490 fleet --watch',
        'cis490 fleet --url https://receiver.example:8490 --token-file ~/cis490-reader.token',
        `cis490 fleet --json | jq -r '.hosts[] | select(.state != "ok") | .host_id'`,
      ),
    )
    .action(async (_options: AskOptions, command: Command) => {
      const options = optionsOf(command);
      refuseWatchedJson(command, options);
      const { showFleet } = await import('../../src/operator/app.ts');
      await showFleet(await askWith(options));
    });

  withAskOptions(fleet.command('show'))
    .summary('all that is known of one host, and the cures')
    .description('all that is known of one host, what is wrong with it, and the cures')
    .argument('<host>', 'its host_id')
    .option('--watch', 'draw it again every 5 s, until Ctrl-C')
    .addHelpText('after', examples('cis490 fleet show lab-07', 'cis490 fleet show lab-07 --json | jq .heartbeat'))
    .action(async (host: string, _options: AskOptions, command: Command) => {
      const options = optionsOf(command);
      refuseWatchedJson(command, options);
      const { showHost } = await import('../../src/operator/app.ts');
      await showHost(await askWith(options), host);
    });
}

export function refuseWatchedJson(command: Command, { watch, json }: AskOptions): void {
  if (watch && json) command.error('error: --watch draws for a person; --json prints one document');
}
