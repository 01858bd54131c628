// What appends and retractions that share one write come to, decided in the order in which they came. Pure: nobody is told anything yet.

import type { LedgerEntry, SequencedRow, SequencedTombstone } from '../../protocol/ledger-row.ts';
import type { AppendOutcome, NewLedgerRow, NewTombstone, RetractOutcome } from '../ledger.ts';

/** What the ledger has of an id. A tombstone may be without its row where the row's line was damaged. */
export interface KnownEpisode {
  row?: SequencedRow | undefined;
  tombstone?: SequencedTombstone | undefined;
}

export type LedgerRequest = { reject(error: unknown): void } & (
  | { kind: 'append'; row: NewLedgerRow; resolve(outcome: AppendOutcome): void }
  | { kind: 'retract'; tombstone: NewTombstone; resolve(outcome: RetractOutcome): void }
);

interface PlannedAnswer {
  /** True when it holds only once the entries are durable; else it rests on what already was. */
  needsEntries: boolean;
  settle(): void;
  reject(error: unknown): void;
}

export interface BatchPlan {
  /** To be written in this order; their seq follows `lastSeq` without a gap. */
  entries: LedgerEntry[];
  answers: PlannedAnswer[];
}

export function planBatch(
  requests: readonly LedgerRequest[],
  lastSeq: number,
  lookUp: (hostId: string, episodeId: string) => KnownEpisode,
): BatchPlan {
  const entries: LedgerEntry[] = [];
  const changed = new Map<string, KnownEpisode>();
  const answers = requests.map((request): PlannedAnswer => {
    const { host_id: hostId, episode_id: episodeId } = request.kind === 'append' ? request.row : request.tombstone;
    const key = `${hostId}/${episodeId}`;
    const known = changed.get(key) ?? lookUp(hostId, episodeId);
    const seq = lastSeq + entries.length + 1;
    const { settle, entry, after } =
      request.kind === 'append' ? planAppend(request, known, seq) : planRetraction(request, known, seq);
    if (entry) {
      entries.push(entry);
      changed.set(key, after);
    }
    return { needsEntries: changed.has(key), settle, reject: (error) => request.reject(error) };
  });
  return { entries, answers };
}

type Planned =
  | { settle(): void; entry?: undefined; after?: undefined }
  | { settle(): void; entry: LedgerEntry; after: KnownEpisode };

function planAppend(
  { row, resolve }: Extract<LedgerRequest, { kind: 'append' }>,
  { row: existing, tombstone }: KnownEpisode,
  seq: number,
): Planned {
  if (tombstone) return { settle: () => resolve({ kind: 'retracted', tombstone }) };
  if (existing) {
    const kind = existing.sha256 === row.sha256 ? 'duplicate' : 'conflict';
    return { settle: () => resolve({ kind, row: existing }) };
  }
  const appended: SequencedRow = { ...row, seq };
  return { settle: () => resolve({ kind: 'appended', row: appended }), entry: appended, after: { row: appended } };
}

function planRetraction(
  { tombstone, resolve }: Extract<LedgerRequest, { kind: 'retract' }>,
  { row, tombstone: existing }: KnownEpisode,
  seq: number,
): Planned {
  if (existing) return { settle: () => resolve({ kind: 'already-retracted', tombstone: existing }) };
  if (!row) return { settle: () => resolve({ kind: 'not-found' }) };
  const added: SequencedTombstone = { ...tombstone, seq };
  return {
    settle: () => resolve({ kind: 'retracted', tombstone: added }),
    entry: added,
    after: { row, tombstone: added },
  };
}
