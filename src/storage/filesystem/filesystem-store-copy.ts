// A copy of a store as a directory of the same form. Each file of it is whole at any moment: written beside, fsynced, renamed; the ledger,
// which only grows, grows here, too. Nothing is ever taken out of it: a store that lost something cannot empty its copy.

import { join } from 'node:path';
import { acquireExclusiveLock } from '../../lib/exclusive-lock.ts';
import type { LedgerReader } from '../ledger-reader.ts';
import type { StoreCopy } from '../store-copy.ts';
import { copyLedger, requireContinuation } from './copy-ledger.ts';
import { copyTree } from './copy-tree.ts';
import { FilesystemBlobStore } from './filesystem-blob-store.ts';
import { JsonlLedgerReader } from './jsonl-ledger-reader.ts';

// What was decided comes before what it speaks of: a release that nobody has decided about goes to nobody, and a certificate that the
// database does not know is good all the same.
const DATABASES = ['control.db', 'monitor.db'];
const RECORDS = ['ca', 'releases', 'host-health', 'alerts.jsonl', 'gate.json'];
const LEDGER = 'index.jsonl';

export type CopyDatabase = (from: string, to: string) => Promise<void>;

/** `directory` is there. Throws `already-running` when another backup has it. */
export async function openStoreCopy(root: string, directory: string, copyDatabase: CopyDatabase): Promise<StoreCopy> {
  const lock = acquireExclusiveLock(directory, 'backup');
  try {
    const blobs = await FilesystemBlobStore.open(directory);
    const { unfinished } = await blobs.recover();
    for (const { finish } of unfinished) await finish();
    const ledger: LedgerReader = new JsonlLedgerReader(join(directory, LEDGER));
    const copyRecords = async () => {
      // Before anything: what was made anew in a store that was lost must not take the place of what was saved.
      await requireContinuation(join(root, LEDGER), join(directory, LEDGER));
      for (const name of DATABASES) await copyDatabase(join(root, name), join(directory, name));
      for (const name of RECORDS) await copyTree(join(root, name), join(directory, name));
      await copyLedger(join(root, LEDGER), join(directory, LEDGER));
    };
    return { copyRecords, ledger, blobs, close: () => lock.release() };
  } catch (error) {
    lock.release();
    throw error;
  }
}
