// Port: a copy of a store in another place, from which the store can be put back.

import type { BlobStore } from './blob-store.ts';
import type { LedgerReader } from './ledger-reader.ts';

export interface StoreCopy {
  /**
   * Brings everything but the episodes up to the store as it is now, the ledger last: what has a row in the copy was stored before its
   * file is looked for. Rows are only ever added. Throws `another-ledger` when the copy's ledger is no beginning of the store's,
   * `database-damaged`, `database-busy`, `disk-full`.
   */
  copyRecords(): Promise<void>;
  /** The copy's own. */
  readonly ledger: LedgerReader;
  readonly blobs: Pick<BlobStore, 'stat' | 'begin'>;
  close(): void;
}
