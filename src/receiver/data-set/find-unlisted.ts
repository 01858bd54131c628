// What lies among the stored episodes without the ledger knowing of it, told beside a running receiver without a false alarm: an upload
// is published before its row is written, and a tombstone is written before its file is removed.

import type { Clock } from '../../lib/clock.ts';
import type { BlobKey, BlobReader } from '../../storage/blob-store.ts';
import type { LedgerReader } from '../../storage/ledger-reader.ts';
import { findInLedger, keyText } from './scan-ledger.ts';

// So many names are looked up in one reading of the ledger.
const BATCH_KEYS = 100_000;
// A commit that is under way has its row within this time, and was not published longer ago than the other.
const SETTLE_MS = 10_000;
const SETTLED_AFTER_S = 600;

export type UnlistedFile = { kind: 'unlisted' | 'retracted-left'; key: BlobKey } | { kind: 'foreign'; path: string };

export interface FindUnlistedDependencies {
  blobs: BlobReader;
  ledger: LedgerReader;
  clock: Clock;
  signal: AbortSignal;
}

/** Ends early when `signal` aborts. */
export async function* findUnlisted(dependencies: FindUnlistedDependencies): AsyncGenerator<UnlistedFile> {
  let batch = new Map<string, BlobKey>();
  for await (const found of dependencies.blobs.list()) {
    if (dependencies.signal.aborted) return;
    if (found.kind === 'foreign') {
      yield found;
      continue;
    }
    batch.set(keyText(found.key), found.key);
    if (batch.size < BATCH_KEYS) continue;
    yield* judge(batch, dependencies);
    batch = new Map();
  }
  yield* judge(batch, dependencies);
}

async function* judge(
  batch: ReadonlyMap<string, BlobKey>,
  { blobs, ledger, clock, signal }: FindUnlistedDependencies,
): AsyncGenerator<UnlistedFile> {
  const suspects = await withoutRow(batch, ledger);
  if (suspects.size === 0 || signal.aborted) return;
  if (await anyIsYoung(suspects.values(), blobs, clock)) await clock.sleep(SETTLE_MS, signal);
  if (signal.aborted) return;
  for (const [text, { rowSeq, isRetracted }] of await findInLedger(ledger, suspects.keys())) {
    const key = suspects.get(text);
    const hasNoRow = isRetracted || rowSeq === undefined;
    if (key && hasNoRow && (await blobs.stat(key))) yield { kind: isRetracted ? 'retracted-left' : 'unlisted', key };
  }
}

async function withoutRow(keys: ReadonlyMap<string, BlobKey>, ledger: LedgerReader): Promise<Map<string, BlobKey>> {
  const suspects = new Map<string, BlobKey>();
  for (const [text, { rowSeq, isRetracted }] of await findInLedger(ledger, keys.keys())) {
    const key = keys.get(text);
    if (key && (rowSeq === undefined || isRetracted)) suspects.set(text, key);
  }
  return suspects;
}

/** Also what claims to come from the future. */
async function anyIsYoung(keys: Iterable<BlobKey>, blobs: BlobReader, clock: Clock): Promise<boolean> {
  const settledBefore = Temporal.Instant.from(clock.wallTime()).subtract({ seconds: SETTLED_AFTER_S });
  for (const key of keys) {
    const found = await blobs.stat(key);
    if (found && Temporal.Instant.compare(found.storedAtWall, settledBefore) > 0) return true;
  }
  return false;
}
