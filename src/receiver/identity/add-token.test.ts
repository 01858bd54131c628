import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { systemClock } from '../../lib/clock.ts';
import { acquireExclusiveLock } from '../../lib/exclusive-lock.ts';
import { addToken, readTokensFile, type TokenRecord } from './tokens-file.ts';

function record(id: string): TokenRecord {
  return { id, role: 'reader', sha256: 'a'.repeat(64), created_at: '2026-05-01T06:37:53.830599+00:00' };
}

test('tokens are added one after the other, whoever adds them, and none is lost', async (t) => {
  const path = join(temporaryDirectory(t), 'tokens.json');
  const seen: number[] = [];
  const add = (id: string) =>
    addToken(
      path,
      (existing) => {
        seen.push(existing.length);
        return record(id);
      },
      { clock: systemClock, storeRoot: dirname(path) },
    );
  const ids = Array.from({ length: 8 }, (_, index) => `t-${index}`);
  await Promise.all(ids.map(add));
  assert.deepEqual(
    readTokensFile(path)
      .map(({ id }) => id)
      .sort(),
    ids,
  );
  assert.deepEqual(seen, [0, 1, 2, 3, 4, 5, 6, 7]);
});

test('who adds one waits for another process that has the lock', async (t) => {
  const directory = temporaryDirectory(t);
  const lock = acquireExclusiveLock(directory, 'tokens.json');
  let pauses = 0;
  const clock = {
    ...systemClock,
    sleep: async () => {
      pauses += 1;
      if (pauses === 3) lock.release();
    },
  };
  await addToken(join(directory, 'tokens.json'), () => record('t-1'), { clock, storeRoot: directory });
  assert.equal(pauses, 3);
});

test('a new file is for its owner and group; an older one keeps both', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'tokens.json');
  await addToken(path, () => record('t-1'), { clock: systemClock, storeRoot: directory });
  assert.equal(statSync(path).mode & 0o777, 0o640);
  assert.deepEqual(ownerOf(path), ownerOf(directory));
  if (process.getuid?.() !== 0) return;
  chownSync(path, 12_345, 54_321);
  chmodSync(path, 0o600);
  await addToken(path, () => record('t-2'), { clock: systemClock, storeRoot: directory });
  assert.deepEqual(ownerOf(path), [12_345, 54_321]);
  assert.equal(statSync(path).mode & 0o777, 0o640);
  const others = join(directory, 'others');
  mkdirSync(others);
  chownSync(others, 12_345, 54_321);
  await addToken(join(others, 'tokens.json'), () => record('t-3'), { clock: systemClock, storeRoot: others });
  for (const name of readdirSync(others)) assert.deepEqual(ownerOf(join(others, name)), [12_345, 54_321], name);
});

test('what root makes in a directory of its own, the receiver whose store it is reads', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root may give files away; run as root: sudo npm test');
  const [etc, store] = [temporaryDirectory(t), temporaryDirectory(t)];
  chmodSync(etc, 0o755);
  chownSync(store, 65_534, 65_534);
  const path = join(etc, 'tokens.json');
  const add = (id: string) => addToken(path, () => record(id), { clock: systemClock, storeRoot: store });
  await add('t-1');
  await add('t-2');
  for (const name of readdirSync(etc)) assert.deepEqual(ownerOf(join(etc, name)), [0, 65_534], name);
  assert.equal(statSync(path).mode & 0o777, 0o640);
  // Without a store the directory's group has to do.
  const early = join(etc, 'early.json');
  await addToken(early, () => record('t-1'), { clock: systemClock, storeRoot: join(store, 'absent') });
  assert.deepEqual(ownerOf(early), [0, 0]);
});

test('a damaged file is left as it is, and nothing half-done beside it', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'tokens.json');
  writeFileSync(path, '{"tokens":');
  await assert.rejects(
    addToken(path, () => record('t-1'), { clock: systemClock, storeRoot: directory }),
    { code: 'bad-tokens-file' },
  );
  const bad = { ...record('t-1'), sha256: 'x' };
  const good = join(directory, 'good.json');
  await addToken(good, () => record('t-1'), { clock: systemClock, storeRoot: directory });
  await assert.rejects(addToken(good, () => bad, { clock: systemClock, storeRoot: directory }));
  assert.deepEqual(readTokensFile(good), [record('t-1')]);
  const names = readdirSync(directory).filter((name) => !name.startsWith('.'));
  assert.deepEqual(names.sort(), ['good.json', 'tokens.json']);
});

function ownerOf(path: string): [number, number] {
  const { uid, gid } = statSync(path);
  return [uid, gid];
}
