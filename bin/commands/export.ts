// cis490 export.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../../src/lib/clock.ts';
import type { Logger } from '../../src/lib/logger.ts';
import { CLEAR_LINE } from '../../src/lib/terminal-line.ts';
import { askWith, webUrl, withCredentialFiles } from './ask-receiver.ts';
import {
  type CommonOptions,
  commandLogger,
  endWithReader,
  examples,
  exitCodes,
  note,
  progressTerminal,
  readConfig,
  stopSignal,
  withCommonOptions,
} from './common.ts';

interface ExportOptions extends CommonOptions {
  out: string;
  store?: string;
  receiver?: string;
  tokenFile?: string;
  caFile?: string;
  host?: string[];
  commit?: string[];
  since?: string;
  until?: string;
  jobs: number;
  verify?: boolean;
  json?: boolean;
}

const MOST_JOBS = 64;

export function registerExport(program: Command): void {
  const command = withCommonOptions(program.command('export'))
    .summary('copy stored episodes into a directory that anybody can check')
    .description('copy stored episodes into a directory that anybody can check (BagIt); run again, it adds what came')
    .requiredOption('--out <directory>', 'the bag; made where it is not there')
    .option(
      '--store <directory>',
      'from this store (default: by receiver.toml, on its own machine); changes nothing there',
    )
    .addOption(
      new Option('--receiver <url>', 'from a receiver, over HTTP').env('CIS490_RECEIVER_URL').argParser(webUrl),
    );
  withCredentialFiles(command)
    .option('--host <host...>', 'only what these have recorded')
    .option('--commit <commit...>', 'only what this code has recorded, 40 or 64 hex digits')
    .option(
      '--since <time>',
      'only what was stored at or after this: 2026-05-01 (its beginning, UTC) or an RFC 3339 time',
    )
    .option('--until <time>', 'only what was stored before this')
    .addOption(new Option('--jobs <number>', 'so many episodes at a time').argParser(jobs).default(4))
    .option('--verify', 'hash what the bag has already, too, and fetch anew what is damaged')
    .option('--json', 'the outcome as JSON, at the end')
    .addHelpText(
      'after',
      examples(
        'cis490 export --out /mnt/data/all',
        'cis490 export --out /mnt/data/may --since 2026-05-01 --until 2026-06-01 --host lab-07 lab-08',
        'cis490 export --out all --receiver https://receiver.example:8490 --token-file ~/cis490-reader.token',
      ) +
        exitCodes({
          0: 'all that is selected is there',
          1: 'something could not be had, which is named, and the rest is there; or it failed, or was interrupted',
          2: 'bad usage, or a directory of something else',
        }) +
        note(
          'Interrupted, it goes on with the same command. To check what is there: cd DIRECTORY && sha256sum --check --quiet manifest-sha256.txt',
        ),
    )
    .action(async (options: ExportOptions, command: Command) => {
      endWithReader();
      const { runExport } = await import('../../src/export/app.ts');
      const { WorkProgress } = await import('../../src/receiver/data-set/work-progress.ts');
      const terminal = progressTerminal();
      const logger = commandLogger(options.logLevel, terminal ? CLEAR_LINE : '');
      const { host = [], commit = [], since, until } = options;
      process.exitCode = await runExport({
        from: await findSource(options, command, logger),
        directory: options.out,
        selection: { hosts: host, commits: commit, since, until },
        jobs: options.jobs,
        verify: options.verify ?? false,
        json: options.json ?? false,
        output: process.stdout,
        progress: new WorkProgress({ name: 'exporting', terminal, logger, clock: systemClock }),
        logger,
        clock: systemClock,
        random: Math.random,
        stop: stopSignal(),
      });
    });
}

/** What is named on the command line goes before the environment. */
async function findSource(options: ExportOptions, command: Command, logger: Logger) {
  const isTyped = (name: string) => command.getOptionValueSource(name) === 'cli';
  if (options.store !== undefined && isTyped('receiver')) {
    command.error('error: --store and --receiver name two sources');
  }
  if (options.store !== undefined) return { kind: 'store', root: options.store } as const;
  if (options.receiver !== undefined && (isTyped('receiver') || !isTyped('config'))) {
    const { tokenFile, caFile, logLevel } = options;
    const files = { ...(tokenFile !== undefined && { tokenFile }), ...(caFile !== undefined && { caFile }) };
    const { receiver } = await askWith({ url: options.receiver, logLevel, ...files });
    return { kind: 'receiver', receiver } as const;
  }
  const { receiverConfigDefinition } = await import('../../src/receiver/receiver-config.ts');
  const config = await readConfig(options, receiverConfigDefinition, logger);
  return { kind: 'store', root: config.store.root } as const;
}

function jobs(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= MOST_JOBS) return value;
  throw new InvalidArgumentError(`must be 1 to ${MOST_JOBS}.`);
}
