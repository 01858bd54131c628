// cis490 quarantine, quarantine-unstamped, reship, shipper status: the queue of a lab host, looked at and changed by hand.

import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { systemClock } from '../../src/lib/clock.ts';
import { type CommonOptions, endWithReader, examples, exitCodes, note, prepare, withCommonOptions } from './common.ts';

type Change = { dryRun?: boolean; json?: boolean };
type Choice = { code?: string; commit?: string };

export function registerQuarantine(program: Command): void {
  const quarantine = program
    .command('quarantine')
    .description('episodes that were refused for good; on a lab host')
    .addHelpText('after', examples('cis490 quarantine list', 'cis490 quarantine requeue --code commit-not-in-window'));
  registerList(quarantine);
  registerShow(quarantine);
  registerRequeue(quarantine);
  registerPurge(quarantine);
  registerReship(program);
  registerUnstamped(program);
}

function registerList(quarantine: Command): void {
  withChoice(withCommonOptions(quarantine.command('list')))
    .description('tell what was refused, for what, and what to do')
    .option('--all', 'all of them, not only the newest 20')
    .option('--json', 'all of them, for programs')
    .addHelpText(
      'after',
      examples('cis490 quarantine list', 'cis490 quarantine list --code commit-not-in-window --all'),
    )
    .action(async (options: CommonOptions & Choice & { all?: boolean; json?: boolean }) => {
      const { all = false, json = false, code, commit } = options;
      const { runList } = await loadApp();
      await runList(await queueOptions(options), { selection: { ids: [], code, commit }, all, json });
    });
}

function registerShow(quarantine: Command): void {
  withCommonOptions(quarantine.command('show'))
    .summary('tell all of one refused episode')
    .description('tell of one refused episode: the reason in full, the commands that cure it, its files')
    .argument('<id>', 'as cis490 quarantine list has it')
    .option('--json', 'for programs')
    .addHelpText('after', examples('cis490 quarantine show telemetry-20260501T063753Z-3fa9c1'))
    .action(async (id: string, options: CommonOptions & { json?: boolean }) => {
      const { runShow } = await loadApp();
      await runShow(await queueOptions(options), id, options.json ?? false);
    });
}

function registerRequeue(quarantine: Command): void {
  withChoice(withCommonOptions(quarantine.command('requeue')))
    .summary('move refused episodes back into the queue')
    .description('move refused episodes back into the queue; a running shipper takes them up at its next scan')
    .argument('[id...]', 'as cis490 quarantine list has them')
    .option('--all', 'all that are in quarantine')
    .option('--dry-run', 'only tell which')
    .option('--json', 'what became of each, for programs')
    .addHelpText(
      'after',
      examples(
        'cis490 quarantine requeue telemetry-20260501T063753Z-3fa9c1',
        'cis490 quarantine requeue --code commit-not-in-window',
        'cis490 quarantine requeue --commit 4f2a9c1 --dry-run',
      ) + EXIT_CODES,
    )
    .action(async (ids: string[], options: CommonOptions & Choice & Change & { all?: boolean }) => {
      const { all = false, dryRun = false, json = false, code, commit } = options;
      const { runRequeue } = await loadApp();
      const chosen = { selection: { ids, code, commit }, all, dryRun, json };
      process.exitCode = await runRequeue(await queueOptions(options), chosen);
    });
}

function registerPurge(quarantine: Command): void {
  withChoice(withCommonOptions(quarantine.command('purge')))
    .description('delete refused episodes for good')
    .argument('[id...]', 'as cis490 quarantine list has them')
    .option('--older-than <age>', 'those that were refused longer ago than this: 30d, "12 h"')
    .option('--dry-run', 'only tell which')
    .option('--json', 'what became of each, for programs')
    .option('--yes', 'do not ask; needed where nobody can be asked')
    .addHelpText(
      'after',
      examples(
        'cis490 quarantine purge --older-than 30d',
        'cis490 quarantine purge --code too-large --yes',
        'cis490 quarantine purge telemetry-20260501T063753Z-3fa9c1 --dry-run',
      ) + EXIT_CODES,
    )
    .action(async (ids: string[], options: CommonOptions & Choice & Change & { olderThan?: string; yes?: boolean }) => {
      const { olderThan, dryRun = false, json = false, yes = false, code, commit } = options;
      if (!yes && !dryRun) await requirePerson();
      const { runPurge } = await loadApp();
      const confirm = yes ? async () => true : askPerson;
      const chosen = { selection: { ids, code, commit, olderThan }, dryRun, json, confirm };
      process.exitCode = await runPurge(await queueOptions(options), chosen);
    });
}

function registerReship(program: Command): void {
  withCommonOptions(program.command('reship'))
    .summary('send again what was shipped already')
    .description(
      'send again what was shipped already, after a receiver was restored from an older backup; on a lab host',
    )
    .option('--id <id...>', 'these')
    .option('--since <time>', 'those shipped at or after this: 2026-05-01 (its beginning, UTC) or an RFC 3339 time')
    .option('--until <time>', 'and before this')
    .option('--dry-run', 'only tell which')
    .option('--json', 'what became of each, for programs')
    .addHelpText(
      'after',
      examples(
        'cis490 reship --since 2026-05-01T06:00:00Z --dry-run',
        'cis490 reship --since 2026-05-01 --until 2026-05-02',
        'cis490 reship --id telemetry-20260501T063753Z-3fa9c1',
      ) + EXIT_CODES,
    )
    .action(async (options: CommonOptions & Change & { id?: string[]; since?: string; until?: string }) => {
      const { id = [], since, until, dryRun = false, json = false } = options;
      const { runReship } = await loadApp();
      process.exitCode = await runReship(await queueOptions(options), { ids: id, since, until, dryRun, json });
    });
}

function registerUnstamped(program: Command): void {
  withCommonOptions(program.command('quarantine-unstamped'))
    .summary('quarantine what does not say which commit made it')
    .description('move waiting episodes that do not say which commit made them to quarantine; on a lab host')
    .option('--dry-run', 'only tell which')
    .option('--json', 'what became of each, for programs')
    .addHelpText('after', examples('cis490 quarantine-unstamped --dry-run', 'cis490 quarantine-unstamped') + EXIT_CODES)
    .action(async (options: CommonOptions & Change) => {
      const { runDrain } = await loadApp();
      const { dryRun = false, json = false } = options;
      process.exitCode = await runDrain(await queueOptions(options), { dryRun, json });
    });
}

/** `shipper` has an action and the same options of its own, and takes what stands behind `status`, too: both count. */
export function registerShipperStatus(shipper: Command): void {
  withCommonOptions(shipper.command('status'))
    .description('tell what waits, how fast it goes, and why it does not')
    .option('--json', 'for programs')
    .addHelpText('after', examples('cis490 shipper status', 'cis490 shipper status --json | jq .waiting'))
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions & { json?: boolean }>();
      const { runStatus } = await loadApp();
      await runStatus(await queueOptions(options), options.json ?? false);
    });
}

const EXIT_CODES =
  exitCodes({ 0: 'done', 1: 'some could not be moved or deleted', 2: 'bad usage' }) +
  note('Safe beside the running shipper.');

function withChoice(command: Command): Command {
  return command
    .option('--code <code>', 'those refused with this code, as cis490 quarantine list has it')
    .option('--commit <commit>', 'those made by this commit: in full, or its first 7 digits or more');
}

function loadApp() {
  return import('../../src/lab-host/shipper/queue-tools/app.ts');
}

async function queueOptions(options: CommonOptions) {
  const { labHostConfigDefinition } = await import('../../src/lab-host/lab-host-config.ts');
  endWithReader();
  const { logger, config } = await prepare(options, labHostConfigDefinition);
  return { config, clock: systemClock, logger, output: { write: (text: string) => void process.stdout.write(text) } };
}

/** Throws `bad-input` where nobody can answer. */
async function requirePerson(): Promise<void> {
  if (process.stdin.isTTY) return;
  const { AppError } = await import('../../src/lib/app-error.ts');
  throw new AppError('bad-input', 'it deletes for good, and nobody is there to be asked', {
    hint: 'say --yes, or look first: --dry-run',
  });
}

async function askPerson(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    // Ctrl-D and Ctrl-C end the line without an answer.
    const closed = once(terminal, 'close').then(() => '');
    const answer = await Promise.race([terminal.question(`${question} [y/N] `).catch(() => ''), closed]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
