// What every Releases does, whatever is behind it.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { describe, type TestContext, test } from 'node:test';
import type { Platform, Release } from '../../src/protocol/release.ts';
import { type BundleToStage, keyOf, type Releases } from '../../src/storage/releases.ts';

export interface ReleasesUnderTest {
  /** Another caller of the same state, as another process would be. */
  another(): Releases;
  /** How many bodies lie there that nobody can see. */
  hiddenBodies(): Promise<number>;
}

const A = 'a'.repeat(40);
const B = 'b'.repeat(64);

function bundle(number: number, commit: string, platform: Platform, text = `${commit} ${platform}`): BundleToStage {
  const content = Buffer.from(text);
  const release: Release = {
    release_number: number,
    commit,
    platform,
    sha256: createHash('sha256').update(content).digest('hex'),
    bytes: content.byteLength,
    signatures: [{ key_id: '0123456789abcdef', signature: 'AAAA' }],
  };
  return { release, content: inPieces(content) };
}

async function* inPieces(content: Buffer): AsyncGenerator<Uint8Array> {
  yield content.subarray(0, 3);
  yield content.subarray(3);
}

async function publish(releases: Releases, ...bundles: BundleToStage[]): Promise<void> {
  await (await releases.stage(bundles)).publish();
}

export function describeReleases(name: string, open: (t: TestContext) => Promise<ReleasesUnderTest>): void {
  describe(`Releases on ${name}`, () => {
    test('nothing is seen before it is published, all of it after', async (t) => {
      const { another, hiddenBodies } = await open(t);
      const [one, other] = [another(), another()];
      const [x64, arm64] = [bundle(12, A, 'linux-x64'), bundle(12, A, 'linux-arm64')];
      assert.deepEqual(await other.list(), []);
      const staged = await one.stage([x64, arm64]);
      assert.deepEqual(await other.list(), []);
      assert.equal(await other.bundleBytes(keyOf(x64.release)), undefined);
      await staged.publish();
      assert.deepEqual(await other.list(), [arm64.release, x64.release]);
      assert.equal(await other.bundleBytes(keyOf(x64.release)), x64.release.bytes);
      const read = async (range?: { start: number; end: number }) =>
        String(await buffer(await other.readBundle(keyOf(arm64.release), range)));
      assert.equal(await read(), `${A} linux-arm64`);
      assert.equal(await read({ start: 41, end: 45 }), 'linux');
      assert.equal(await hiddenBodies(), 0);
    });

    test('releases are listed by number, the same commit under each', async (t) => {
      const releases = (await open(t)).another();
      const all = [bundle(100, A, 'linux-x64'), bundle(9, A, 'linux-x64'), bundle(20, B, 'linux-arm64')];
      for (const one of all) await publish(releases, one);
      const listed = (await releases.list()).map(({ release_number, commit }) => [release_number, commit]);
      assert.deepEqual(listed, [
        [9, A],
        [20, B],
        [100, A],
      ]);
    });

    test('a platform and a signature are added to a release that is there', async (t) => {
      const { another, hiddenBodies } = await open(t);
      const releases = another();
      const [x64, arm64] = [bundle(12, A, 'linux-x64'), bundle(12, A, 'linux-arm64')];
      await publish(releases, x64);
      const signed = { ...x64.release, signatures: [...x64.release.signatures, ...x64.release.signatures] };
      await publish(releases, { release: signed, content: undefined }, arm64);
      assert.deepEqual(await releases.list(), [arm64.release, signed]);
      assert.equal(String(await buffer(await releases.readBundle(keyOf(signed)))), `${A} linux-x64`);
      assert.equal(await hiddenBodies(), 0);
    });

    for (const [how, change] of [
      ['other bytes', { sha256: '0'.repeat(64) }],
      ['more bytes', { bytes: 1 }],
    ] as const) {
      test(`a bundle of ${how} than its description says is refused whole`, async (t) => {
        const { another, hiddenBodies } = await open(t);
        const releases = another();
        const wrong = bundle(12, A, 'linux-x64');
        Object.assign(wrong.release, change);
        await assert.rejects(releases.stage([bundle(12, A, 'linux-arm64'), wrong]), { code: 'bad-input' });
        assert.deepEqual([await releases.list(), await hiddenBodies()], [[], 0]);
        await publish(releases, bundle(12, A, 'linux-x64'));
      });
    }

    test('what cannot be read to its end leaves nothing', async (t) => {
      const { another, hiddenBodies } = await open(t);
      const releases = another();
      const broken = async function* () {
        yield Buffer.from('some');
        throw new Error('unreadable');
      };
      const { release } = bundle(12, A, 'linux-x64');
      await assert.rejects(releases.stage([{ release, content: broken() }]), /unreadable/);
      assert.deepEqual([await releases.list(), await hiddenBodies()], [[], 0]);
    });

    test('one publisher at a time; what is discarded makes way', async (t) => {
      const { another, hiddenBodies } = await open(t);
      const [one, other] = [another(), another()];
      const staged = await one.stage([bundle(12, A, 'linux-x64')]);
      await assert.rejects(other.stage([bundle(13, B, 'linux-x64')]), { code: 'already-running' });
      await staged.discard();
      await staged.discard();
      assert.deepEqual([await one.list(), await hiddenBodies()], [[], 0]);
      await publish(other, bundle(13, B, 'linux-x64'));
      assert.equal((await one.list()).length, 1);
    });

    test('what is not there is not read', async (t) => {
      const releases = (await open(t)).another();
      await assert.rejects(releases.readBundle({ number: 1, commit: A, platform: 'linux-x64' }), {
        code: 'blob-missing',
      });
    });
  });
}
