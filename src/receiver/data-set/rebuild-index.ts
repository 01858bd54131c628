// The queryable view of the ledger, made again from the ledger alone. Attempt counts and heartbeats, which lie beside it, stay.

import { AppError } from '../../lib/app-error.ts';
import type { OpenStorageOptions, Storage } from '../../storage/open-storage.ts';

export interface RebuiltView {
  kind: 'done' | 'interrupted';
  hosts: number;
  episodes: number;
  bytes: number;
}

export interface RebuildIndexOptions {
  open: (options: Pick<OpenStorageOptions, 'rebuildView' | 'onLedgerRead'>) => Promise<Storage>;
  onLedgerRead: NonNullable<OpenStorageOptions['onLedgerRead']>;
  stop: AbortSignal;
}

/** Throws what `openStorage` throws. */
export async function rebuildIndex(options: RebuildIndexOptions): Promise<RebuiltView> {
  try {
    return await rebuildOnce(options);
  } catch (error) {
    // A page of the database was damaged that opening it had not met. It has been marked as such: opened again, it is begun anew.
    if (!(error instanceof AppError && error.code === 'sync-failed')) throw error;
    return await rebuildOnce(options);
  }
}

async function rebuildOnce({ open, onLedgerRead, stop }: RebuildIndexOptions): Promise<RebuiltView> {
  const storage = await open({ rebuildView: true, onLedgerRead });
  // Closed while it reads, it stops at once; what it has read is kept, and the receiver's next start goes on from there.
  const close = () => void storage.ledger.close();
  stop.addEventListener('abort', close);
  try {
    const hosts = await storage.ledger.hosts();
    return {
      kind: 'done',
      hosts: hosts.length,
      episodes: hosts.reduce((sum, { episodes }) => sum + episodes, 0),
      bytes: hosts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    };
  } catch (error) {
    if (!stop.aborted) throw error;
    return { kind: 'interrupted', hosts: 0, episodes: 0, bytes: 0 };
  } finally {
    stop.removeEventListener('abort', close);
    await storage.close();
  }
}
