// What the contracts of the ledger share: how one is opened, and rows and tombstones for it.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { SequencedRow } from '../../src/protocol/ledger-row.ts';
import type { AppendOutcome, Ledger, NewLedgerRow, NewTombstone } from '../../src/storage/ledger.ts';

export interface LedgerUnderTest {
  ledger: Ledger;
  /** Closes it and opens another on the same data. */
  reopen(): Promise<Ledger>;
}

export type OpenLedger = (t: TestContext) => Promise<LedgerUnderTest>;

export function rowOf(episodeId: string, fields: Partial<NewLedgerRow> = {}): NewLedgerRow {
  return {
    host_id: 'host-1',
    episode_id: episodeId,
    received_at_wall: '2026-05-01T06:37:53.830599+00:00',
    sha256: 'a'.repeat(64),
    bytes: 12,
    path: `episodes/host-1/${episodeId}.tar.zst`,
    schema_version: null,
    commit: 'd'.repeat(40),
    ...fields,
  };
}

export async function appendedRow(ledger: Ledger, row: NewLedgerRow): Promise<SequencedRow> {
  const outcome = await ledger.append(row);
  assert.equal(outcome.kind, 'appended');
  return rowIn(outcome);
}

export function rowIn(outcome: AppendOutcome): SequencedRow {
  assert.ok('row' in outcome, 'retracted');
  return outcome.row;
}

export function tombstoneOf(episodeId: string, hostId = 'host-1'): NewTombstone {
  return {
    host_id: hostId,
    episode_id: episodeId,
    retracted_at_wall: '2026-05-02T00:00:00.000000+00:00',
    reason: 'recorded with the lens cap on',
    by: 'ada',
  };
}
