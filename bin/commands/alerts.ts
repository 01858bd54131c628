// cis490 alerts, ack, silence, silences, unsilence.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { SYMPTOM_NAMES } from '../../src/protocol/alert.ts';
import { registerAlertsTest } from './alerts-test.ts';
import { type AskOptions, askWith, optionsOf, withAskOptions } from './ask-receiver.ts';
import { examples } from './common.ts';
import { refuseWatchedJson } from './fleet.ts';

// As many as the receiver gives at once.
const MOST_ALERTS = 1_000;
const MOST_ENDED = 100;

interface ListOptions extends AskOptions {
  all?: boolean;
  host?: string;
  state?: 'firing' | 'resolved';
  limit?: number;
}

interface SilenceOptions extends AskOptions {
  host?: string;
  symptom?: string;
  for: string;
  reason: string;
}

export function registerAlerts(program: Command): void {
  const alerts = withAskOptions(program.command('alerts'))
    .summary('what is wrong with which lab host, and what cures it')
    .description('what is wrong with which lab host, and the command that cures it; asks the receiver')
    .option('--all', 'those that have ended too')
    .option('--host <host>', 'of one host; "*": of the fleet as a whole')
    .addOption(new Option('--state <state>', 'default: firing').choices(['firing', 'resolved']).conflicts('all'))
    .option(
      '--limit <count>',
      `at most so many, the newest (default: ${MOST_ALERTS}; with --all or resolved ones ${MOST_ENDED})`,
      wholeNumber,
    )
    .option('--watch', 'draw it again every 5 s, until Ctrl-C')
    .enablePositionalOptions()
    .addHelpText(
      'after',
      examples(
        'cis490 alerts',
        'cis490 alerts --all --host lab-07',
        'cis490 alerts --watch',
        'cis490 alerts --json | jq -r .alerts[].id',
      ),
    )
    .action(async (_options: ListOptions, command: Command) => {
      const options = optionsOf<ListOptions>(command);
      refuseWatchedJson(command, options);
      const { showAlerts } = await import('../../src/operator/app.ts');
      const state = options.all ? undefined : (options.state ?? 'firing');
      await showAlerts(await askWith(options), {
        state,
        host: options.host,
        limit: options.limit ?? (state === 'firing' ? MOST_ALERTS : MOST_ENDED),
      });
    });

  withAskOptions(alerts.command('ack'))
    .summary('no more reminders of an alert: somebody looks after it')
    .description('somebody looks after it: no more reminders of this alert until it is resolved')
    .argument('<id>', 'of the alert, as cis490 alerts shows it')
    .requiredOption('--reason <text>', 'for those who look after you')
    .addHelpText('after', examples('cis490 alerts ack 1a2b3c4d --reason "disk ordered, comes on Friday"'))
    .action(async (id: string, _options: AskOptions, command: Command) => {
      const options = optionsOf<AskOptions & { reason: string }>(command);
      const { acknowledgeAlert } = await import('../../src/operator/app.ts');
      await acknowledgeAlert(await askWith(options), id, options.reason);
    });

  withAskOptions(alerts.command('silence'))
    .summary('tell nobody of a host or of a symptom for a time')
    .description(
      'tell nobody of a host, of a symptom, or of one on the other, for a time; rows are written all the same',
    )
    .option('--host <host>', 'of one host (default: of every one)')
    .addOption(new Option('--symptom <symptom>', 'one symptom (default: every one)').choices(SYMPTOM_NAMES))
    .requiredOption('--for <time>', 'how long: "2h", "30 min", "3 days"; at most 30 days')
    .requiredOption('--reason <text>', 'for the record')
    .addHelpText(
      'after',
      examples(
        'cis490 alerts silence --host lab-07 --for 2h --reason "moves to another rack"',
        'cis490 alerts silence --symptom stale-code --for "1 day" --reason "roll-out under way"',
      ),
    )
    .action(async (_options: SilenceOptions, command: Command) => {
      const options = optionsOf<SilenceOptions>(command);
      if (options.host === undefined && options.symptom === undefined) {
        command.error('error: of what? Give --host, --symptom or both');
      }
      const { silenceAlerts } = await import('../../src/operator/app.ts');
      const { host, symptom, reason } = options;
      await silenceAlerts(await askWith(options), { host, symptom, reason, for: options.for });
    });

  withAskOptions(alerts.command('silences'))
    .description('what is silenced, for how long still, by whom and why')
    .addHelpText('after', examples('cis490 alerts silences'))
    .action(async (_options: AskOptions, command: Command) => {
      const { showSilences } = await import('../../src/operator/app.ts');
      await showSilences(await askWith(optionsOf(command)));
    });

  withAskOptions(alerts.command('unsilence'))
    .description('end a silence before its time')
    .argument('<id>', 'of the silence, as cis490 alerts silences shows it')
    .addHelpText('after', examples('cis490 alerts unsilence 9f8e7d6c'))
    .action(async (id: string, _options: AskOptions, command: Command) => {
      const { endSilence } = await import('../../src/operator/app.ts');
      await endSilence(await askWith(optionsOf(command)), id);
    });

  registerAlertsTest(alerts);
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('must be a whole number above 0.');
  return value;
}
