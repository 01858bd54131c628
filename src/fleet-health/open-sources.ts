// What this run reads from: the store beside the ledger, the journal where there are no counts, gate.json, and the receiver itself.

import { dirname, join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { isThere } from '../lib/is-there.ts';
import type { Logger } from '../lib/logger.ts';
import type { AttemptsReader } from '../storage/attempts.ts';
import type { RetiredHost } from '../storage/control.ts';
import type { HostStateReader } from '../storage/host-state.ts';
import type { LedgerReader } from '../storage/ledger-reader.ts';
import { openLedgerForReading, openStorageForReading } from '../storage/open-storage.ts';
import { tallyCounts, tallyJournal } from './attempt-tallies.ts';
import { type JournalSource, readJournal } from './journal/read-journal.ts';
import { lookAtReceiver } from './look-at-receiver.ts';
import type { AttemptTally, ReceiverLook } from './observed.ts';
import { readGateFile } from './read-gate-file.ts';

/** What is undefined is not there to be read, which is no failure. All calls throw `cannot-read`. */
export interface RunSources {
  ledger: Pick<LedgerReader, 'follow'>;
  attempts: (nowMs: number, windowMin: number) => Promise<ReadonlyMap<string, AttemptTally>>;
  hostState: HostStateReader | undefined;
  retiredHosts: () => Promise<readonly RetiredHost[]>;
  /** Newest first; undefined while the gate is off or knows nothing. */
  gate: () => Promise<{ commits: readonly string[]; windowLength: number } | undefined>;
  receiver: (() => Promise<ReceiverLook>) | undefined;
}

export interface AttemptsChoice {
  /** `auto`: the log where there is one. */
  from: 'auto' | 'log' | 'journal';
  /** Of the receiver, for journalctl. */
  unit: string;
  /** In place of journalctl. */
  journalFile: string | undefined;
}

/** As the configuration has it; undefined without one. */
export interface ReceiverKnowledge {
  /** Where it is asked whether it answers; undefined when that is not known. */
  url: string | undefined;
  storeRoot: string;
  minFreeBytes: number;
  /** `off`: code of any version is taken. Commits of the configuration itself stand before those of gate.json. */
  gate: 'off' | { window: number; commits: readonly string[] | undefined };
}

export interface OpenSourcesOptions {
  indexPath: string;
  attempts: AttemptsChoice;
  receiver: ReceiverKnowledge | undefined;
  /** A run at a time that was given: the journal is read up to it, and not beyond. */
  isReplay: boolean;
  logger: Logger;
  clock: Clock;
}

export async function openSources(options: OpenSourcesOptions): Promise<RunSources> {
  const { indexPath, attempts, receiver, isReplay, logger, clock } = options;
  const root = dirname(indexPath);
  const store = openStorageForReading(root, logger);
  const hasLog = await isThere(join(root, 'state.db'));
  const fromLog = attempts.from === 'log' || (attempts.from === 'auto' && hasLog);
  if (fromLog && attempts.journalFile !== undefined) {
    const what = 'attempts are taken from the receiver’s counts; the journal file is left aside (--attempts journal)';
    logger.warn({ path: attempts.journalFile }, what);
  }
  return {
    ledger: openLedgerForReading(indexPath),
    attempts: async (nowMs, windowMin) =>
      fromLog
        ? tallyCounts(await readCounts(store.attempts, nowMs, windowMin))
        : await tallyJournal(readJournal(journalOf(attempts, nowMs, windowMin, isReplay))),
    // A ledger that was only copied here has no receiver's records beside it.
    hostState: hasLog || receiver ? store.hostState : undefined,
    retiredHosts: () => store.retiredHosts(),
    gate: () => readGate(join(root, 'gate.json'), receiver?.gate),
    receiver: receiver && (() => lookAtReceiver({ ...receiver, clock })),
  };
}

function journalOf(
  { unit, journalFile }: AttemptsChoice,
  nowMs: number,
  windowMin: number,
  isReplay: boolean,
): JournalSource {
  if (journalFile !== undefined) return { kind: 'file', path: journalFile };
  const sinceS = Math.floor((nowMs - windowMin * 60_000) / 1000);
  return { kind: 'unit', unit, sinceS, ...(isReplay && { untilS: Math.ceil(nowMs / 1000) }) };
}

async function readGate(path: string, configured: ReceiverKnowledge['gate'] | undefined) {
  if (configured === 'off') return undefined;
  const commits = configured?.commits ?? (await readGateFile(path));
  // Without a configuration what the gate has learned is the window, as far as is known.
  return commits && { commits, windowLength: configured?.window ?? commits.length };
}

/** Minutes as the receiver's counts have them: those of the window, its first and its last included. */
export async function readCounts(attempts: AttemptsReader, nowMs: number, windowMin: number) {
  return await attempts.read({ fromMinute: minuteOf(nowMs - windowMin * 60_000), toMinute: minuteOf(nowMs) });
}

function minuteOf(ms: number): string {
  return Temporal.Instant.fromEpochMilliseconds(Math.floor(ms)).toString().slice(0, 16);
}
