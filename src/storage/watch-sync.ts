// Who is told how long the disk takes to make something durable. The clock is the watcher's own.

/** `episode`: a body under `incoming/`; `directory`: the names of published ones; `ledger`: rows of index.jsonl. */
type SyncedFile = 'episode' | 'directory' | 'ledger';

/** Called as a sync begins; what it returns is called when that sync ended well. */
export type WatchSync = (file: SyncedFile) => () => void;

export function noSyncWatch(): () => void {
  return () => undefined;
}
