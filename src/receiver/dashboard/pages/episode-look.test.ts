import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { packTar } from 'modern-tar';
import { sha256 } from '../../../../test/support/episodes.ts';
import type { SequencedRow } from '../../../protocol/ledger-row.ts';
import { EpisodeLooker } from './episode-look.ts';

const never = new AbortController().signal;
const CSV = 'time_wall,time_monotonic_s,load_1min\n2026-05-01T06:00:00+00:00,5,1\n2026-05-01T06:00:01+00:00,6,2\n';

async function pack(files: Record<string, string>): Promise<Buffer> {
  const entries = Object.entries(files).map(([path, body]) => ({
    header: { name: `e/${path}`, size: Buffer.byteLength(body) },
    body,
  }));
  return zstdCompressSync(await packTar(entries));
}

function rowOf(bytes: Buffer, more: Partial<SequencedRow> = {}): SequencedRow {
  return {
    host_id: 'lab-1',
    episode_id: 'e',
    received_at_wall: '2026-05-01T06:37:53.830599+00:00',
    sha256: sha256(bytes),
    bytes: bytes.byteLength,
    path: 'episodes/lab-1/e.tar.zst',
    seq: 1,
    ...more,
  };
}

/** `undefined`: nothing is there. */
function storeWith(bytes: Buffer | undefined) {
  return {
    stat: async () => bytes && { sizeBytes: bytes.byteLength, storedAtWall: '' },
    read: async () => Readable.from([bytes ?? Buffer.alloc(0)]),
  };
}

test('a whole episode: its meta.json, its files, its telemetry', async () => {
  const bytes = await pack({ 'meta.json': '{"workload":"x"}', 'out/telemetry.csv': CSV });
  const look = await new EpisodeLooker(storeWith(bytes)).look(rowOf(bytes), never);
  assert.ok(look !== 'busy');
  assert.equal(look.file, 'whole');
  assert.deepEqual(look.packed?.meta, { workload: 'x' });
  assert.deepEqual(
    look.packed?.files.map(({ path }) => path),
    ['meta.json', 'out/telemetry.csv'],
  );
  assert.deepEqual(
    [look.telemetry?.timesS, look.telemetry?.series[0]?.values],
    [
      [0, 1],
      [1, 2],
    ],
  );
});

test('a file that is not what the ledger says is not looked into', async () => {
  const bytes = await pack({ 'meta.json': '{}' });
  const other = Buffer.from(bytes);
  other[bytes.length - 1] = (other.at(-1) ?? 0) ^ 1;
  for (const [stored, file] of [
    [undefined, 'missing'],
    [bytes.subarray(0, -1), 'other-size'],
    [other, 'damaged'],
  ] as const) {
    const look = await new EpisodeLooker(storeWith(stored)).look(rowOf(bytes), never);
    assert.ok(look !== 'busy');
    assert.deepEqual([look.file, look.packed, look.telemetry], [file, undefined, undefined]);
  }
});

test('what is no packed episode is whole all the same: its bytes are as they were stored', async () => {
  const bytes = Buffer.from('not a tarball');
  const look = await new EpisodeLooker(storeWith(bytes)).look(rowOf(bytes), never);
  assert.ok(look !== 'busy');
  assert.deepEqual([look.file, look.packed?.isWhole, look.packed?.files], ['whole', false, []]);
});

test('only some look at once, and whoever is done makes room', async () => {
  const bytes = await pack({ 'meta.json': '{}' });
  const released = Promise.withResolvers<void>();
  const slowly = async function* () {
    await released.promise;
    yield bytes;
  };
  const looker = new EpisodeLooker({ ...storeWith(bytes), read: async () => Readable.from(slowly()) });
  const looks = Array.from({ length: 4 }, () => looker.look(rowOf(bytes), never));
  assert.equal(await looker.look(rowOf(bytes), never), 'busy');
  released.resolve();
  for (const look of await Promise.all(looks)) assert.notEqual(look, 'busy');
  assert.notEqual(await looker.look(rowOf(bytes), never), 'busy');
});

test('what takes too long to be hashed is not hashed, and nothing is said against it', async () => {
  const bytes = await pack({ 'meta.json': '{}' });
  const late = new AbortController();
  const stalled = () => {
    const stream = new Readable({ read: () => late.abort(new Error('late')) });
    stream.push(bytes.subarray(0, 10));
    return stream;
  };
  const looker = new EpisodeLooker({ ...storeWith(bytes), read: async () => stalled() }, () => late.signal);
  const look = await looker.look(rowOf(bytes), never);
  assert.ok(look !== 'busy');
  assert.deepEqual([look.file, look.packed?.isWhole, look.telemetry], ['unhashed', false, undefined]);
});

test('a file that cannot be read is a failure, not a slow one', async () => {
  const bytes = await pack({ 'meta.json': '{}' });
  const broken = async () => new Readable({ read: (): never => assert.fail('EIO') });
  await assert.rejects(new EpisodeLooker({ ...storeWith(bytes), read: broken }).look(rowOf(bytes), never), /EIO/);
});

test('it ends when the reader has left', async () => {
  const bytes = await pack({ 'meta.json': '{}' });
  const left = new AbortController();
  const looker = new EpisodeLooker({
    ...storeWith(bytes),
    read: async () => {
      left.abort(new Error('left'));
      return Readable.from([bytes]);
    },
  });
  await assert.rejects(looker.look(rowOf(bytes), left.signal), /left/);
});
