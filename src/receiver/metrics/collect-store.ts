// The disk of the store, the ledger, and the last backup.

import { stat } from 'node:fs/promises';
import { isMissing } from '../../lib/app-error.ts';
import { defineCollector } from './metric-sources.ts';

export const diskCollector = defineCollector({
  families: {
    cis490_store_free_bytes: { help: 'Bytes that can still be written to the disk of the store.' },
    cis490_store_reserve_bytes: { help: '[store] min_free: below it every episode is put off with 507.' },
    cis490_store_room_bytes: {
      help: 'Bytes that episodes may still take: free, less the reserve, less what bodies under way have yet to bring. Negative below the reserve.',
    },
  },
  async read({ room, blobs }) {
    const freeBytes = await blobs.freeBytes();
    return [
      ['cis490_store_free_bytes', freeBytes],
      ['cis490_store_reserve_bytes', room.minFreeBytes],
      ['cis490_store_room_bytes', freeBytes - room.minFreeBytes - room.outstandingBytes],
    ] as const;
  },
});

export const uploadsCollector = defineCollector({
  families: {
    cis490_uploads_unfinished: { help: 'Resumable uploads that have begun and are neither stored nor expired.' },
    cis490_uploads_unfinished_bytes: { help: 'Bytes that they declared: what of it is yet to come is reserved.' },
  },
  async read({ unfinished }) {
    const { uploads, declaredBytes } = unfinished.sums();
    return [
      ['cis490_uploads_unfinished', uploads],
      ['cis490_uploads_unfinished_bytes', declaredBytes],
    ] as const;
  },
});

export const ledgerCollector = defineCollector({
  families: {
    cis490_ledger_caught_up: { help: '0 while the ledger is being read after a start, else 1.' },
    cis490_ledger_seq: { help: 'Sequence number of the newest stored episode.' },
  },
  async read({ ledger, fleet }) {
    if (!ledger.isCaughtUp()) return [['cis490_ledger_caught_up', 0]] as const;
    const hosts = await fleet.hosts();
    return [
      ['cis490_ledger_caught_up', 1],
      ['cis490_ledger_seq', hosts.reduce((highest, { last }) => Math.max(highest, last?.seq ?? 0), 0)],
    ] as const;
  },
});

export const backupCollector = defineCollector({
  families: {
    cis490_backup_last_success_timestamp_seconds: {
      help: 'When the store was last backed up, by [store] backup_stamp; 0 when that file is not there. No series where none is named.',
    },
  },
  async read({ backupStamp }) {
    if (backupStamp === undefined) return [];
    const endedMs = await stat(backupStamp).then(
      ({ mtimeMs }) => mtimeMs,
      (error: unknown) => {
        if (isMissing(error)) return 0;
        throw error;
      },
    );
    return [['cis490_backup_last_success_timestamp_seconds', endedMs / 1000]] as const;
  },
});
