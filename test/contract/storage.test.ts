// Every port's contract, on what open-storage.ts opens: files and SQLite in a directory of the test's own.

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { pino } from 'pino';
import {
  openAlertLog,
  openControl,
  openEnrolments,
  openLedgerForReading,
  openMonitorState,
  openReleases,
  openRollOuts,
  openStorage,
  type Storage,
} from '../../src/storage/open-storage.ts';
import { describeAlertLog } from './alert-log.contract.ts';
import { describeAttempts } from './attempts.contract.ts';
import { describeBlobStore } from './blob-store.contract.ts';
import { describeControl } from './control.contract.ts';
import { describeEnrolments } from './enrolments.contract.ts';
import { describeHostState } from './host-state.contract.ts';
import { describeLedger } from './ledger.contract.ts';
import { describeLedgerReader } from './ledger-reader.contract.ts';
import { describeMonitorState } from './monitor-state.contract.ts';
import { describeReleases } from './releases.contract.ts';
import { describeRollOuts } from './roll-outs.contract.ts';
import { describeUploads } from './uploads.contract.ts';

const NAME = 'files and SQLite';

/** A directory of its own, removed after what works in it was closed. */
async function makeRoot(t: TestContext, close: () => Promise<void>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'cis490-contract-'));
  t.after(async () => {
    await close();
    await rm(root, { recursive: true, force: true });
  });
  return root;
}

async function open(t: TestContext): Promise<{ root: string; storage: Storage; reopen: () => Promise<Storage> }> {
  const logger = pino({ level: 'silent' });
  const root = await makeRoot(t, () => current.close());
  let current = await openStorage({ root, logger });
  const reopen = async () => {
    await current.close();
    current = await openStorage({ root, logger });
    return current;
  };
  return { root, storage: current, reopen };
}

/** Callers beside each other, each with a connection of its own. */
function opener<State extends { close(): Promise<void> }>(openState: (root: string) => Promise<State>) {
  return async (t: TestContext) => {
    const opened: State[] = [];
    const root = await makeRoot(t, async () => {
      // Some tests have closed theirs.
      for (const state of opened) await state.close().catch(() => undefined);
    });
    return {
      another: async () => {
        const state = await openState(root);
        opened.push(state);
        return state;
      },
    };
  };
}

describeBlobStore(NAME, async (t) => {
  const { root, storage, reopen } = await open(t);
  return {
    blobs: storage.blobs,
    reopen: async () => (await reopen()).blobs,
    heldBodies: async () => (await readdir(join(root, 'incoming'))).length,
  };
});

describeLedger(NAME, async (t) => {
  const { storage, reopen } = await open(t);
  return { ledger: storage.ledger, reopen: async () => (await reopen()).ledger };
});

describeAttempts(NAME, async (t) => {
  const { storage, reopen } = await open(t);
  return { attempts: storage.attempts, reopen: async () => (await reopen()).attempts };
});

describeHostState(NAME, async (t) => {
  const { storage, reopen } = await open(t);
  return { hostState: storage.hostState, reopen: async () => (await reopen()).hostState };
});

describeUploads(NAME, async (t) => {
  const { storage, reopen } = await open(t);
  return { uploads: storage.uploads, blobs: storage.blobs, reopen: async () => (await reopen()).uploads };
});
describeMonitorState(
  NAME,
  opener((root) => openMonitorState(join(root, 'monitor.db'))),
);
describeControl(NAME, opener(openControl));
describeEnrolments(NAME, opener(openEnrolments));

describeRollOuts(NAME, opener(openRollOuts));

describeReleases(NAME, async (t) => {
  const root = await makeRoot(t, async () => undefined);
  const hidden = async () =>
    (await readdir(join(root, 'releases'), { recursive: true })).filter((name) => name.startsWith('.staged')).length;
  return { another: () => openReleases(root), hiddenBodies: hidden };
});

describeAlertLog(NAME, async (t) => {
  const root = await makeRoot(t, async () => undefined);
  return { another: () => openAlertLog(join(root, 'alerts.jsonl')) };
});

describeLedgerReader(NAME, async (t) => {
  const { root, storage, reopen } = await open(t);
  const reader = openLedgerForReading(join(root, 'index.jsonl'));
  return { ledger: storage.ledger, reader, reopen: async () => (await reopen()).ledger };
});
