// SIGKILL of `release publish`, of `backup` and of a receiver's start before each system call that makes, moves or
// removes a name: what others see is whole at any moment, and the same command, run again, ends well.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, type TestContext, test } from 'node:test';
import type { Release } from '../../src/protocol/release.ts';
import { openReleases, openRollOuts } from '../../src/storage/open-storage.ts';
import { keyOf } from '../../src/storage/releases.ts';
import { sha256 } from '../support/episodes.ts';
import { GOOD_COMMIT, TestFleet } from '../support/fleet.ts';
import { CALLS_ON_NAMES, isKilledAtCall } from '../support/killed-at-call.ts';
import { namesIn, readRows } from '../support/nothing-lost.ts';
import { eventually, PROJECT_ROOT, Program } from '../support/program.ts';
import { type SignedRelease, writeSignedRelease } from '../support/signed-release.ts';
import { addRow, storeFile } from '../support/stored-episodes.ts';
import { hasSystemPart } from '../support/system-part.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const CIS490 = join(PROJECT_ROOT, 'bin/cis490');

async function mustRun(args: readonly string[]): Promise<Program> {
  const program = Program.cis490([...args]);
  assert.equal((await program.ended).code, 0, program.stderr);
  return program;
}

/** Kills it at its first call of a kind, at its second, and so on, until it ends by itself. `prepare` makes all as it was and gives the arguments. */
async function killAtEach(
  t: TestContext,
  prepare: () => Promise<readonly string[]> | readonly string[],
  check: (nth: string) => Promise<void>,
): Promise<void> {
  let kills = 0;
  for (const call of CALLS_ON_NAMES) {
    for (let nth = 1; await isKilledAtCall(await prepare(), call, nth); nth += 1) {
      kills += 1;
      await check(`${call} ${nth}`);
    }
  }
  t.diagnostic(`killed ${kills} times`);
  assert.ok(kills > CALLS_ON_NAMES.length);
}

async function visibleIn(store: string): Promise<Release[]> {
  const releases = openReleases(store);
  const visible = await releases.list();
  for (const release of visible) {
    const pieces = await (await releases.readBundle(keyOf(release))).toArray();
    assert.equal(sha256(Buffer.concat(pieces)), release.sha256, 'what is seen is whole');
  }
  return visible;
}

async function percentOf(store: string): Promise<number | undefined> {
  const rollOuts = await openRollOuts(store);
  const [decided] = await rollOuts.list();
  rollOuts.close();
  return decided?.percent;
}

describe('release publish', () => {
  test('a new release, killed at each call', async (t) => {
    if (!hasSystemPart(t, ['strace', '-V'], 'strace')) return;
    const fleet = await TestFleet.create(temporaryDirectory(t));
    const { directory, releases } = writeSignedRelease(join(fleet.root, 'release'), {
      number: 3,
      commit: GOOD_COMMIT,
    });
    const publish = ['release', 'publish', directory, '--percent', '10', '--config', fleet.receiverConfig];
    const prepare = () => {
      rmSync(fleet.store, { recursive: true });
      mkdirSync(fleet.store);
      return [CIS490, ...publish];
    };
    await killAtEach(t, prepare, async (nth) => {
      const seen = await visibleIn(fleet.store);
      assert.ok(seen.length === 0 || seen.length === releases.length, `${nth}: all of it or nothing`);
      if (seen.length > 0) assert.equal(await percentOf(fleet.store), 10, `${nth}: for no more hosts than decided`);
      await isPublishedByAnother(fleet, publish, releases);
      assert.equal(await percentOf(fleet.store), 10);
    });
  });

  test('one more platform, killed at each call', async (t) => {
    if (!hasSystemPart(t, ['strace', '-V'], 'strace')) return;
    const fleet = await TestFleet.create(temporaryDirectory(t));
    const all = writeSignedRelease(join(fleet.root, 'release'), { number: 3, commit: GOOD_COMMIT });
    const one = firstPlatformOf(all, join(fleet.root, 'one'));
    const publish = (directory: string) => ['release', 'publish', directory, '--config', fleet.receiverConfig];
    const prepare = async () => {
      rmSync(fleet.store, { recursive: true });
      mkdirSync(fleet.store);
      await mustRun(publish(one));
      return [CIS490, ...publish(all.directory)];
    };
    await killAtEach(t, prepare, async (nth) => {
      const seen = await visibleIn(fleet.store);
      assert.ok(seen.length >= 1, `${nth}: the one that was there stays`);
      await isPublishedByAnother(fleet, publish(all.directory), all.releases);
    });
  });

  async function isPublishedByAnother(fleet: TestFleet, publish: readonly string[], releases: readonly Release[]) {
    await mustRun(publish);
    const byPlatform = (list: readonly Release[]) =>
      list.map(({ platform, sha256: digest }) => `${platform} ${digest}`).sort();
    assert.deepEqual(byPlatform(await visibleIn(fleet.store)), byPlatform(releases));
    const left = readdirSync(join(fleet.store, 'releases')).filter((name) => name.startsWith('.staged-'));
    assert.deepEqual(left, []);
  }

  function firstPlatformOf({ directory }: SignedRelease, to: string): string {
    mkdirSync(to);
    execFileSync('sh', ['-c', `cp "$1"/*linux-x64* "$2"`, '-', directory, to]);
    return to;
  }
});

describe('backup', () => {
  test('killed at each call', async (t) => {
    if (!hasSystemPart(t, ['strace', '-V'], 'strace')) return;
    const root = temporaryDirectory(t);
    const copy = join(root, 'backup');
    const stamp = join(root, 'last-backup');
    const store = join(root, 'store');
    const fleet = await TestFleet.create(
      root,
      `[store]\nroot = "${store}"\nmin_free = "1 MiB"\nbackup_stamp = "${stamp}"\n`,
    );
    for (const id of ['a', 'b']) addRow(store, await storeFile(store, 'lab-1', id));
    const { directory } = writeSignedRelease(join(root, 'release'), { number: 3, commit: GOOD_COMMIT });
    await mustRun(['release', 'publish', directory, '--percent', '10', '--config', fleet.receiverConfig]);
    const backup = ['backup', copy, '--config', fleet.receiverConfig];
    const prepare = () => {
      for (const path of [copy, stamp]) rmSync(path, { recursive: true, force: true });
      mkdirSync(copy, { mode: 0o700 });
      return [CIS490, ...backup];
    };
    const rows = readRows(store);
    await killAtEach(t, prepare, async (nth) => {
      if (existsSync(stamp)) assertWhole(`${nth}: with its stamp`);
      for (const { path, sha256: digest } of rows) {
        if (existsSync(join(copy, path)))
          assert.equal(sha256(readFileSync(join(copy, path))), digest, `${nth}: ${path}`);
      }
      assert.ok(readFileSync(join(store, 'index.jsonl')).indexOf(copiedLedger()) === 0, `${nth}: a part of the ledger`);
      await visibleIn(copy);
      await mustRun(backup);
      assertWhole(`${nth}: run again`);
      assert.deepEqual(leftoversIn(copy), [], `${nth}: nothing is left over`);
    });

    function copiedLedger(): Buffer {
      return existsSync(join(copy, 'index.jsonl')) ? readFileSync(join(copy, 'index.jsonl')) : Buffer.alloc(0);
    }

    function leftoversIn(directory: string): string[] {
      return readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((path) => /\.tmp$|\.new$/.test(path));
    }

    function assertWhole(when: string): void {
      assert.deepEqual(readRows(copy), rows, when);
      for (const { path, sha256: digest } of rows) assert.equal(sha256(readFileSync(join(copy, path))), digest, when);
      assert.deepEqual(namesIn(join(copy, 'incoming')), [], when);
      using control = new DatabaseSync(join(copy, 'control.db'), { readOnly: true });
      const [found] = control.prepare('PRAGMA integrity_check(1)').all();
      assert.equal(found?.['integrity_check'], 'ok', when);
    }
  });
});

describe('a receiver’s start that has much to mend', () => {
  test('killed at each call', async (t) => {
    if (!hasSystemPart(t, ['strace', '-V'], 'strace')) return;
    const fleet = await TestFleet.create(temporaryDirectory(t));
    const { store, receiverConfig } = fleet;
    const start = join(import.meta.dirname, '../support/started-receiver.main.ts');
    const prepare = async () => {
      await leaveAsAfterACrash(store);
      return [process.execPath, start, receiverConfig];
    };
    await killAtEach(t, prepare, async (nth) => {
      const again = await fleet.startReceiver();
      await eventually(() => readRows(store).length === 2, 'the row is completed');
      await again.stop();
      assert.deepEqual(
        readRows(store)
          .map(({ episode_id: id }) => id)
          .sort(),
        ['known', 'without-row'],
        `${nth}`,
      );
      for (const { path, sha256: digest } of readRows(store))
        assert.equal(sha256(readFileSync(join(store, path))), digest, `${nth}: ${path}`);
      assert.deepEqual(namesIn(join(store, 'incoming')), [], `${nth}`);
      const aside = namesIn(store).filter((name) => name.startsWith('index.jsonl.torn-at-') && !name.endsWith('.tmp'));
      assert.deepEqual(
        aside.map((name) => readFileSync(join(store, name), 'utf8')),
        [TORN],
        `${nth}: nothing is dropped`,
      );
    });
  });

  const TORN = '{"host_id":"lab-1","epi';

  /** A body that never ended, a file that was published and has no row, and half a row. */
  async function leaveAsAfterACrash(store: string): Promise<void> {
    rmSync(store, { recursive: true });
    addRow(store, await storeFile(store, 'lab-1', 'known'));
    appendFileSync(join(store, 'index.jsonl'), TORN);
    const { path } = await storeFile(store, 'lab-1', 'without-row');
    mkdirSync(join(store, 'incoming'));
    linkSync(path, join(store, 'incoming/lab-1~without-row~0123456789abcdef'));
    writeFileSync(join(store, 'incoming/lab-1~never-ended~0123456789abcdef'), 'half a body');
  }
});
