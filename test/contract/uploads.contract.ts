// What every Uploads does, whatever is behind it.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { UploadLock, Uploads } from '../../src/storage/uploads.ts';

export type OpenUploads = (t: TestContext) => Promise<{ uploads: Uploads }>;

export function describeUploads(name: string, open: OpenUploads): void {
  describe(`Uploads on ${name}`, () => {
    test('a free upload is locked at once, again after its release, and uploads do not stand in each other’s way', async (t) => {
      const { uploads } = await open(t);
      const first = await uploads.lock('u1', mustNotBeAsked);
      const other = await uploads.lock('u2', mustNotBeAsked);
      first.release();
      (await uploads.lock('u1', mustNotBeAsked)).release();
      other.release();
    });

    test('a later caller asks the holder to let go, and has the lock only after its release', async (t) => {
      const { uploads } = await open(t);
      const order: string[] = [];
      const first = await uploads.lock('u1', () => order.push('first asked'));
      const second = uploads.lock('u1', mustNotBeAsked).then((lock) => {
        order.push('second has it');
        return lock;
      });
      await settled();
      assert.deepEqual(order, ['first asked']);
      order.push('first releases');
      first.release();
      (await second).release();
      assert.deepEqual(order, ['first asked', 'first releases', 'second has it']);
    });

    test('a holder that lets go as soon as it is asked makes way at once', async (t) => {
      const { uploads } = await open(t);
      const first: UploadLock = await uploads.lock('u1', () => first.release());
      const second = await uploads.lock('u1', mustNotBeAsked);
      second.release();
    });

    test('several who wait: one at a time, in their order, each asked once when somebody waits behind it', async (t) => {
      const { uploads } = await open(t);
      const names = ['a', 'b', 'c', 'd'];
      const asked: string[] = [];
      const had: string[] = [];
      let holders = 0;
      await Promise.all(
        names.map(async (name) => {
          const lock = await uploads.lock('u1', () => asked.push(name));
          had.push(name);
          holders += 1;
          assert.equal(holders, 1, 'two have the upload at once');
          await settled();
          holders -= 1;
          lock.release();
        }),
      );
      assert.deepEqual(had, names);
      assert.deepEqual(asked, ['a', 'b', 'c']);
    });

    test('a second release is nothing, even when another has the lock by then', async (t) => {
      const { uploads } = await open(t);
      const first = await uploads.lock('u1', () => undefined);
      const waiting = uploads.lock('u1', () => undefined);
      first.release();
      const second = await waiting;
      first.release();
      let thirdHasIt = false;
      const third = uploads.lock('u1', mustNotBeAsked).then((lock) => {
        thirdHasIt = true;
        return lock;
      });
      await settled();
      assert.equal(thirdHasIt, false);
      second.release();
      (await third).release();
    });
  });
}

function mustNotBeAsked(): void {
  throw new Error('nobody waits behind this one');
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await nextTurn();
}
