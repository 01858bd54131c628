// One reading of the whole ledger: how much is stored, or what it has of some episodes. No more of it is held in memory than was asked for.

import { isTombstone, type LedgerEntry, type SequencedRow } from '../../protocol/ledger-row.ts';
import type { BlobKey } from '../../storage/blob-store.ts';
import type { LedgerReader } from '../../storage/ledger-reader.ts';
import type { StoreProblem } from './store-problem.ts';

export interface LedgerSurvey {
  /** Those that are stored and not retracted. */
  episodes: number;
  bytes: number;
  lastSeq: number;
  /** Of retracted episodes, as `keyText` has them. */
  retracted: Set<string>;
}

export async function surveyLedger(ledger: LedgerReader): Promise<LedgerSurvey> {
  const survey: LedgerSurvey = { episodes: 0, bytes: 0, lastSeq: 0, retracted: new Set() };
  for await (const item of ledger.read(0)) {
    if (item.kind !== 'entry') continue;
    survey.lastSeq = item.entry.seq;
    if (isTombstone(item.entry)) survey.retracted.add(keyOf(item.entry));
    else count(survey, item.entry, 1);
  }
  if (survey.retracted.size === 0) return survey;
  for await (const item of ledger.read(0)) {
    if (item.kind !== 'entry' || isTombstone(item.entry) || item.entry.seq > survey.lastSeq) continue;
    if (survey.retracted.has(keyOf(item.entry))) count(survey, item.entry, -1);
  }
  return survey;
}

function count(survey: LedgerSurvey, { bytes }: SequencedRow, times: 1 | -1): void {
  survey.episodes += times;
  survey.bytes += times * bytes;
}

/** What the ledger has of an episode: the seq of its first row, which is the one that stands, and whether it was retracted. */
interface InLedger {
  rowSeq: number | undefined;
  isRetracted: boolean;
}

/** For each of the keys, as `keyText` has them. */
export async function findInLedger(ledger: LedgerReader, keys: Iterable<string>): Promise<Map<string, InLedger>> {
  const found = new Map<string, InLedger>();
  for (const key of keys) found.set(key, { rowSeq: undefined, isRetracted: false });
  if (found.size === 0) return found;
  for await (const item of ledger.read(0)) {
    if (item.kind !== 'entry') continue;
    const known = found.get(keyOf(item.entry));
    if (!known) continue;
    if (isTombstone(item.entry)) known.isRetracted = true;
    else known.rowSeq ??= item.entry.seq;
  }
  return found;
}

/** A problem of a row's file, and that row's seq. */
export interface Suspect {
  problem: StoreProblem;
  seq: number;
}

/** Of these, by `keyText`, those that stand: a retracted episode has no file any more, and only the first row of an episode counts. */
export async function confirmSuspects(
  ledger: LedgerReader,
  suspects: ReadonlyMap<string, Suspect>,
): Promise<StoreProblem[]> {
  const known = await findInLedger(ledger, suspects.keys());
  return [...suspects].flatMap(([key, { problem, seq }]) => {
    const found = known.get(key);
    const hasPassed = found?.isRetracted || (found?.rowSeq !== undefined && found.rowSeq !== seq);
    return hasPassed ? [] : [problem];
  });
}

export function keyText({ hostId, episodeId }: BlobKey): string {
  return `${hostId}/${episodeId}`;
}

export function keyOf({ host_id, episode_id }: LedgerEntry): string {
  return `${host_id}/${episode_id}`;
}
