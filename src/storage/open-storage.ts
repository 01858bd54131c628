// The one place that chooses backends. Everything else knows the ports alone.

import { join } from 'node:path';
import type { AfterStep } from '../lib/after-step.ts';
import { acquireExclusiveLock } from '../lib/exclusive-lock.ts';
import type { Logger } from '../lib/logger.ts';
import type { BlobStore } from './blob-store.ts';
import { FilesystemBlobStore } from './filesystem/filesystem-blob-store.ts';
import { JsonlLedger } from './filesystem/jsonl-ledger.ts';
import type { StorageStep } from './filesystem/storage-step.ts';
import type { Ledger } from './ledger.ts';
import { LedgerView } from './sqlite/ledger-view.ts';
import { openStateDatabase } from './sqlite/state-database.ts';

export interface Storage {
  blobs: BlobStore;
  ledger: Ledger;
  close(): Promise<void>;
}

export interface OpenStorageOptions {
  root: string;
  logger: Logger;
  afterStep?: AfterStep<StorageStep>;
}

/** Throws `already-running` when another receiver has the store, `not-one-filesystem` when it could not publish by link. */
export async function openStorage({ root, logger, afterStep }: OpenStorageOptions): Promise<Storage> {
  const blobs = await FilesystemBlobStore.open(root, afterStep);
  const lock = acquireExclusiveLock(root, 'receiver');
  const database = openStateDatabase(join(root, 'state.db'), logger);
  const view = new LedgerView(database);
  const ledger = await JsonlLedger.open({
    path: join(root, 'index.jsonl'),
    view,
    logger,
    ...(afterStep && { afterStep }),
  });
  return {
    blobs,
    ledger,
    async close() {
      await ledger.close();
      database.close();
      lock.release();
    },
  };
}
