// cis490 backup DIR.

import type { Command } from 'commander';
import { systemClock } from '../../src/lib/clock.ts';
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
} from './common.ts';
import { withPace } from './index.ts';

export function registerBackup(program: Command): void {
  withPace(program.command('backup'))
    .summary('copy the store to another disk')
    .description('copy the store, and all that cannot be made again, to another disk; may run beside the receiver')
    .argument('<directory>', 'on another disk, for the user of the store alone; the next backup adds to it')
    .option('--json', 'the outcome as JSON, at the end')
    .addHelpText(
      'after',
      examples(
        'cis490 backup /mnt/backup/cis490',
        'cis490 backup /mnt/backup/cis490 --rate "50 MiB/s"',
        'cis490 backup /mnt/backup/cis490 --json | jq .copied',
      ) +
        exitCodes({ 0: 'all of it is there', 1: 'the store is damaged, or it failed', 2: 'bad usage' }) +
        note('Interrupted, it goes on with the same command. The configuration, /etc/cis490, is not in it.'),
    )
    .action(async (directory: string, options: CommonOptions & { rate: number; json?: boolean }) => {
      const { receiverConfigDefinition } = await import('../../src/receiver/receiver-config.ts');
      const { runBackup } = await import('../../src/receiver/backup/app.ts');
      endWithReader();
      const terminal = progressTerminal();
      const { logger, config } = await prepare(options, receiverConfigDefinition, terminal ? CLEAR_LINE : '');
      const { root, backup_stamp: stamp } = config.store;
      process.exitCode = await runBackup({
        root,
        directory,
        stamp,
        bytesPerS: options.rate,
        json: options.json ?? false,
        stop: stopSignal(),
        logger,
        clock: systemClock,
        output: process.stdout,
        terminal,
      });
    });
}
