// cis490 index verify, backfill, rebuild.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../../src/lib/clock.ts';
import { parseRate } from '../../src/lib/config/size.ts';
import { CLEAR_LINE } from '../../src/lib/terminal-line.ts';
import {
  type CommonOptions,
  endWithReader,
  examples,
  exitCodes,
  note,
  prepare,
  progressTerminal,
  stopSignal,
  withCommonOptions,
} from './common.ts';

type PacedOptions = CommonOptions & { rate: number };

export function registerIndex(program: Command): void {
  const index = program
    .command('index')
    .description('look after what is stored and its ledger, index.jsonl')
    .addHelpText('after', examples('cis490 index verify', 'cis490 index backfill --dry-run'));

  withPace(index.command('verify'))
    .summary('compare all that is stored with the ledger')
    .description('hash all that is stored and compare it with the ledger; may run beside the receiver, changes nothing')
    .option('--restart', 'begin anew, whatever an interrupted run has done')
    .option('--json', 'the outcome as JSON, at the end')
    .addHelpText(
      'after',
      examples('cis490 index verify', 'cis490 index verify --rate "50 MiB/s"', 'cis490 index verify --restart --json') +
        exitCodes({ 0: 'all is whole', 1: 'damage was found, or it was interrupted', 2: 'bad usage' }) +
        note('Interrupted, it goes on with the same command.'),
    )
    .action(async (options: PacedOptions & { restart?: boolean; json?: boolean }) => {
      const { runVerify } = await import('../../src/receiver/data-set/app.ts');
      const { restart = false, json = false } = options;
      process.exitCode = await runVerify({ ...(await toolOptions(options)), bytesPerS: options.rate, restart, json });
    });

  withPace(index.command('backfill'))
    .summary('add rows for stored episodes that the ledger lacks')
    .description('add rows for stored episodes that the ledger lacks; the receiver must be stopped')
    .option('--dry-run', 'only tell which; may run beside the receiver')
    .addHelpText(
      'after',
      examples(
        'systemctl stop cis490-receiver && cis490 index backfill; systemctl start cis490-receiver',
        'cis490 index backfill --dry-run',
      ),
    )
    .action(async (options: PacedOptions & { dryRun?: boolean }) => {
      const { runBackfill } = await import('../../src/receiver/data-set/app.ts');
      const { dryRun = false } = options;
      process.exitCode = await runBackfill({ ...(await toolOptions(options)), bytesPerS: options.rate, dryRun });
    });

  withCommonOptions(index.command('rebuild'))
    .summary('make the view of the ledger again')
    .description('make the view of the ledger in state.db again from index.jsonl; the receiver must be stopped')
    .addHelpText(
      'after',
      examples('systemctl stop cis490-receiver && cis490 index rebuild; systemctl start cis490-receiver'),
    )
    .action(async (options: CommonOptions) => {
      const { runRebuild } = await import('../../src/receiver/data-set/app.ts');
      process.exitCode = await runRebuild(await toolOptions(options));
    });
}

/** Shared with `backup`, which reads the store, too. */
export function withPace(command: Command): Command {
  return withCommonOptions(command).addOption(
    new Option('--rate <rate>', 'read no faster than this, such as "50 MiB/s"')
      .argParser(bytesPerSecond)
      .default(Number.POSITIVE_INFINITY, 'no limit'),
  );
}

function bytesPerSecond(text: string): number {
  const rate = parseRate(text);
  if (rate === undefined) throw new InvalidArgumentError('must be a size per second, such as "50 MiB/s".');
  return rate;
}

async function toolOptions(options: CommonOptions) {
  const { receiverConfigDefinition } = await import('../../src/receiver/receiver-config.ts');
  endWithReader();
  const terminal = progressTerminal();
  const { logger, config } = await prepare(options, receiverConfigDefinition, terminal ? CLEAR_LINE : '');
  const { stdout: output } = process;
  return { root: config.store.root, stop: stopSignal(), logger, clock: systemClock, output, terminal };
}
