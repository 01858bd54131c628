// cis490 alerts test.

import type { Command } from 'commander';
import { systemClock } from '../../src/lib/clock.ts';
import { optionsOf } from './ask-receiver.ts';
import { type CommonOptions, endWithReader, examples, exitCodes, prepare, withCommonOptions } from './common.ts';

export function registerAlertsTest(alerts: Command): void {
  withCommonOptions(alerts.command('test'))
    .summary('send a test message to one channel')
    .description('send a test message to one channel now, and tell what came back')
    .argument('<channel>', 'its name in [[fleet.notifier]] of receiver.toml')
    .addHelpText(
      'after',
      examples('cis490 alerts test on-call') +
        exitCodes({
          0: 'it was taken',
          1: 'it was not',
          2: 'there is no such channel, or the configuration has a mistake',
        }),
    )
    .action(run);
}

async function run(channel: string, _options: CommonOptions, command: Command): Promise<void> {
  const [{ receiverConfigDefinition }, { openNotifiers }, { testChannel }] = await Promise.all([
    import('../../src/receiver/receiver-config.ts'),
    import('../../src/fleet-health/notify/open-notifiers.ts'),
    import('../../src/fleet-health/notify/test-channel.ts'),
  ]);
  endWithReader();
  const { config } = await prepare(optionsOf(command), receiverConfigDefinition);
  const { answer, warning } = await testChannel(openNotifiers(config.fleet.notifier), channel, systemClock);
  process.stdout.write(`${channel} took it: ${answer}\n`);
  if (warning) process.stdout.write(`${warning}\n`);
}
