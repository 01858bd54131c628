// The one place that chooses backends. Everything else knows the ports alone.

import { join } from 'node:path';
import type { AfterStep } from '../lib/after-step.ts';
import { acquireExclusiveLock } from '../lib/exclusive-lock.ts';
import type { Logger } from '../lib/logger.ts';
import { makeDirectory } from '../lib/make-directory.ts';
import type { AlertLog } from './alert-log.ts';
import type { Attempts, AttemptsReader } from './attempts.ts';
import type { BlobReader, BlobStore } from './blob-store.ts';
import type { Control, RetiredHost } from './control.ts';
import type { Enrolments } from './enrolments.ts';
import { FilesystemBlobStore } from './filesystem/filesystem-blob-store.ts';
import { FilesystemHostState } from './filesystem/filesystem-host-state.ts';
import { FilesystemReleases } from './filesystem/filesystem-releases.ts';
import { openStoreCopy } from './filesystem/filesystem-store-copy.ts';
import { FilesystemUploads } from './filesystem/filesystem-uploads.ts';
import { JsonlAlertLog } from './filesystem/jsonl-alert-log.ts';
import { JsonlLedger, type LedgerReadProgress } from './filesystem/jsonl-ledger.ts';
import { JsonlLedgerReader } from './filesystem/jsonl-ledger-reader.ts';
import { ReportFiles } from './filesystem/report-files.ts';
import type { HostState, HostStateReader } from './host-state.ts';
import type { Ledger } from './ledger.ts';
import type { LedgerReader } from './ledger-reader.ts';
import type { MonitorState } from './monitor-state.ts';
import type { Releases, ReleasesReader } from './releases.ts';
import type { RollOuts } from './roll-out.ts';
import { copyDatabase } from './sqlite/copy-database.ts';
import { LedgerView } from './sqlite/ledger-view.ts';
import { ReceiverDatabases } from './sqlite/receiver-databases.ts';
import { SqliteAttempts } from './sqlite/sqlite-attempts.ts';
import { SqliteControl } from './sqlite/sqlite-control.ts';
import { SqliteEnrolments } from './sqlite/sqlite-enrolments.ts';
import { SqliteHeartbeats } from './sqlite/sqlite-heartbeats.ts';
import { SqliteMonitorState } from './sqlite/sqlite-monitor-state.ts';
import { SqliteRollOuts } from './sqlite/sqlite-roll-outs.ts';
import { openStateDatabase } from './sqlite/state-database.ts';
import type { StorageStep, UploadStep } from './storage-step.ts';
import type { StoreCopy } from './store-copy.ts';
import type { Uploads } from './uploads.ts';
import type { WatchSync } from './watch-sync.ts';

export interface Storage {
  blobs: BlobStore;
  ledger: Ledger;
  attempts: Attempts;
  hostState: HostState;
  monitorState: MonitorState;
  control: Control;
  enrolments: Enrolments;
  releases: ReleasesReader;
  rollOuts: RollOuts;
  uploads: Uploads;
  close(): Promise<void>;
}

export interface OpenStorageOptions {
  root: string;
  logger: Logger;
  afterStep?: AfterStep<StorageStep | UploadStep>;
  /** Told of each sync that an answer waits for. */
  watchSync?: WatchSync;
  /** Makes the view of the ledger again from the ledger's first line on; attempt counts and heartbeats stay. */
  rebuildView?: boolean;
  /** While the view is brought up to the ledger. */
  onLedgerRead?: (read: LedgerReadProgress) => void;
}

/**
 * All of it, for the one receiver that has the store. Throws `already-running` when another receiver has it, `not-one-filesystem`
 * when it could not publish by link, `database-newer` or `database-damaged`, `disk-full`; then nothing stays open.
 */
export async function openStorage(options: OpenStorageOptions): Promise<Storage> {
  const { root, logger, afterStep, watchSync, onLedgerRead } = options;
  const opened = new AsyncDisposableStack();
  try {
    await makeDirectory(root);
    const lock = acquireExclusiveLock(root, 'receiver');
    opened.defer(() => lock.release());
    const blobs = await FilesystemBlobStore.open(root, afterStep, watchSync);
    const uploads = await FilesystemUploads.open(root, blobs, afterStep);
    const control = opened.adopt(await openControl(root), (it) => it.close());
    const enrolments = opened.adopt(await openEnrolments(root), (it) => it.close());
    const rollOuts = opened.adopt(await openRollOuts(root), (it) => it.close());
    const monitorState = opened.adopt(await openMonitorState(join(root, 'monitor.db')), (it) => it.close());
    const database = opened.adopt(openStateDatabase(join(root, 'state.db'), logger), (it) => it.close());
    const hostState = await FilesystemHostState.open(root, new SqliteHeartbeats(database), logger);
    const attempts = new SqliteAttempts(database);
    const view = new LedgerView(database);
    if (options.rebuildView) view.clear();
    const path = join(root, 'index.jsonl');
    const ledger = await JsonlLedger.open({
      path,
      view,
      logger,
      ...(afterStep && { afterStep }),
      ...(watchSync && { watchSync }),
      ...(onLedgerRead && { onLedgerRead }),
    });
    opened.adopt(ledger, (it) => it.close());
    const close = () => opened.disposeAsync();
    const releases = openReleases(root, logger);
    const decisions = { control, enrolments, rollOuts };
    return { blobs, ledger, attempts, hostState, monitorState, ...decisions, releases, uploads, close };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

export interface StorageForReading {
  blobs: BlobReader;
  ledger: LedgerReader;
  attempts: AttemptsReader;
  hostState: HostStateReader;
  /** None before the first decision was taken. Throws `cannot-read`. */
  retiredHosts(): Promise<RetiredHost[]>;
}

/**
 * What is stored, for a program beside the receiver that only looks. Nothing is made, locked or left open. `logger` is told of doctor
 * reports that are none.
 */
export function openStorageForReading(root: string, logger?: Logger): StorageForReading {
  const databases = new ReceiverDatabases(root);
  const reports = new ReportFiles(root, logger);
  return {
    blobs: FilesystemBlobStore.forReading(root),
    ledger: openLedgerForReading(join(root, 'index.jsonl')),
    attempts: databases,
    hostState: { listHeartbeats: () => databases.heartbeats(), listReports: () => reports.list() },
    retiredHosts: () => databases.retiredHosts(),
  };
}

/** A ledger by its path: it may lie outside of a store. */
export function openLedgerForReading(path: string): LedgerReader {
  return new JsonlLedgerReader(path);
}

/** By its path, too. Nothing is made before the first rows are appended. */
export function openAlertLog(path: string): AlertLog {
  return new JsonlAlertLog(path);
}

/** For a program beside the receiver. Throws `database-newer`, `database-damaged`, `database-busy`, `disk-full`. */
export async function openControl(root: string): Promise<Control> {
  return await SqliteControl.open(join(root, 'control.db'));
}

/** In the same database, by a connection of its own. As `openControl`. */
export async function openEnrolments(root: string): Promise<Enrolments> {
  return await SqliteEnrolments.open(join(root, 'control.db'));
}

/** In the same database, by a connection of its own. As `openControl`. */
export async function openRollOuts(root: string): Promise<RollOuts> {
  return await SqliteRollOuts.open(join(root, 'control.db'));
}

/** Nothing is made before the first is staged. `logger` is told of descriptions that are none. */
export function openReleases(root: string, logger?: Logger): Releases {
  return new FilesystemReleases(root, logger);
}

/** By the path of monitor.db, which lies beside alerts.jsonl. As `openControl`. */
export async function openMonitorState(path: string): Promise<MonitorState> {
  return await SqliteMonitorState.open(path);
}

/** A backup of the store at `root` in `directory`, which is there. Throws `already-running`. */
export async function openCopy(root: string, directory: string): Promise<StoreCopy> {
  return await openStoreCopy(root, directory, copyDatabase);
}
