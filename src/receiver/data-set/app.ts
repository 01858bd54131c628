// Builds the tools that look after what is stored, and tells a person what they found. Each resolves with its exit code.

import type { Writable } from 'node:stream';
import { AppError } from '../../lib/app-error.ts';
import { becomeOwner } from '../../lib/become-owner.ts';
import type { Clock } from '../../lib/clock.ts';
import { acquireExclusiveLock } from '../../lib/exclusive-lock.ts';
import { formatSize } from '../../lib/format-size.ts';
import type { Logger } from '../../lib/logger.ts';
import { RateLimit } from '../../lib/rate-limit.ts';
import type { Terminal } from '../../lib/terminal-line.ts';
import {
  type OpenStorageOptions,
  openStorage,
  openStorageForReading,
  type Storage,
} from '../../storage/open-storage.ts';
import { backfillIndex } from './backfill-index.ts';
import { findUnlisted } from './find-unlisted.ts';
import { rebuildIndex } from './rebuild-index.ts';
import { describeProblem, problemAsJson } from './store-problem.ts';
import { type VerifyOutcome, verifyIndex } from './verify-index.ts';
import { VerifyStateFile } from './verify-state.ts';
import { WorkProgress } from './work-progress.ts';

export interface IndexToolOptions {
  /** Of the store. */
  root: string;
  stop: AbortSignal;
  logger: Logger;
  clock: Clock;
  output: Writable;
  /** Where progress is drawn; none without a person watching. */
  terminal: Terminal | undefined;
}

export interface PacedOptions extends IndexToolOptions {
  /** `Infinity`: as fast as it goes. */
  bytesPerS: number;
}

const INTERRUPTED = 'interrupted; go on with the same command';

export async function runVerify(options: PacedOptions & { restart: boolean; json: boolean }): Promise<number> {
  const { root, stop, logger, clock, bytesPerS, restart, json } = options;
  await becomeOwner(root);
  const lock = acquireExclusiveLock(root, 'verify');
  const { progress, print } = createOutput('verifying', options);
  try {
    const outcome = await verifyIndex({
      ...openStorageForReading(root),
      stateFile: new VerifyStateFile(root),
      restart,
      rateLimit: new RateLimit(bytesPerS, clock),
      progress,
      onProblem: (problem) => !json && print(describeProblem(problem, root)),
      stop,
      clock,
      logger,
    });
    if (json) print(JSON.stringify(asJson(outcome, root), null, 2));
    if (outcome.kind === 'interrupted') throw new AppError('interrupted', INTERRUPTED);
    const { episodes, bytes, problem_count: problems } = outcome.state;
    const verdict = problems === 0 ? 'whole' : counted(problems, 'problem');
    if (!json) print(`${counted(episodes)}, ${formatSize(bytes)} verified: ${verdict}`);
    return outcome.kind === 'whole' ? 0 : 1;
  } finally {
    progress.clear();
    lock.release();
  }
}

export async function runBackfill(options: PacedOptions & { dryRun: boolean }): Promise<number> {
  const { root, stop, logger, clock, bytesPerS, dryRun } = options;
  await becomeOwner(root);
  const { progress, print } = createOutput('looking for episodes without a row', options);
  if (dryRun) return await tellUnlisted(options, print);
  const storage = await openAsReceiver({ root, logger });
  try {
    const outcome = await backfillIndex({
      blobs: storage.blobs,
      ledger: storage.ledger,
      rateLimit: new RateLimit(bytesPerS, clock),
      progress,
      onAdded: ({ host_id, episode_id, seq, commit }) =>
        print(`added  ${host_id}/${episode_id}  seq ${seq}  commit ${commit ?? 'unknown'}`),
      onProblem: (problem) => print(describeProblem(problem, root)),
      stop,
      clock,
      logger,
    });
    if (outcome.kind === 'interrupted') throw new AppError('interrupted', INTERRUPTED);
    print(`${counted(outcome.episodes)} looked at, ${outcome.added} added to the ledger`);
    return outcome.unreadable > 0 ? 1 : 0;
  } finally {
    progress.clear();
    await storage.close();
  }
}

/** Beside a running receiver, too. */
async function tellUnlisted({ root, stop, clock }: IndexToolOptions, print: (line: string) => void): Promise<number> {
  const { blobs, ledger } = openStorageForReading(root);
  let count = 0;
  for await (const found of findUnlisted({ blobs, ledger, clock, signal: stop })) {
    if (found.kind === 'unlisted') {
      count += 1;
      print(`would add  ${found.key.hostId}/${found.key.episodeId}`);
    } else if (found.kind === 'foreign') {
      print(describeProblem({ kind: 'foreign', path: found.path, detail: 'no receiver has put this here' }, root));
    } else {
      const path = blobs.pathInRow(found.key);
      print(describeProblem({ kind: found.kind, path, detail: 'it was retracted', key: found.key }, root));
    }
  }
  if (stop.aborted) throw new AppError('interrupted', INTERRUPTED);
  print(`${counted(count)} would be added to the ledger`);
  return 0;
}

export async function runRebuild(options: IndexToolOptions): Promise<number> {
  const { root, stop, logger } = options;
  await becomeOwner(root);
  const { progress, print } = createOutput('reading the ledger', options);
  try {
    const rebuilt = await rebuildIndex({
      open: (view) => openAsReceiver({ root, logger, ...view }),
      onLedgerRead: ({ doneBytes, totalBytes, lines }) =>
        progress.update({ what: 'lines', done: lines, bytes: { done: doneBytes, total: totalBytes } }),
      stop,
    });
    if (rebuilt.kind === 'interrupted') {
      throw new AppError('interrupted', 'interrupted; the receiver goes on with it at its next start');
    }
    print(
      `the view of the ledger is made again: ${counted(rebuilt.episodes)} of ${counted(rebuilt.hosts, 'host')}, ${formatSize(rebuilt.bytes)}`,
    );
    return 0;
  } finally {
    progress.clear();
  }
}

/** The ledger has one writer: with a receiver at work the store is its own. */
async function openAsReceiver(options: OpenStorageOptions): Promise<Storage> {
  try {
    return await openStorage(options);
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'already-running')) throw error;
    throw new AppError('already-running', `a receiver is at work on ${options.root}`, {
      hint: 'stop it meanwhile: systemctl stop cis490-receiver',
      cause: error,
    });
  }
}

function createOutput(name: string, { terminal, output, logger, clock }: IndexToolOptions) {
  const progress = new WorkProgress({ name, terminal, logger, clock });
  const print = (line: string) => {
    progress.clear();
    output.write(`${line}\n`);
  };
  return { progress, print };
}

function asJson({ kind, state }: VerifyOutcome, root: string) {
  const { problems, ledger: _ledger, ...counts } = state;
  return { status: kind, ...counts, problems: problems.map((problem) => problemAsJson(problem, root)) };
}

function counted(count: number, noun = 'episode'): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
