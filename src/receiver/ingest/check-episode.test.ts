import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AppError } from '../../lib/app-error.ts';
import type { SequencedRow, SequencedTombstone } from '../../protocol/ledger-row.ts';
import type { GateVerdict } from '../version-gate/version-gate.ts';
import { type CheckDependencies, checkEpisode, conflict, readIds, tooLarge } from './check-episode.ts';
import { Room } from './room.ts';

const SHA = 'ab'.repeat(32);
const COMMIT = 'a'.repeat(40);
const KEY = { hostId: 'lab-07', episodeId: 'e' };
const ROW: SequencedRow = {
  host_id: 'lab-07',
  episode_id: 'e',
  received_at_wall: '2026-05-01T06:37:53.830599+00:00',
  sha256: SHA,
  bytes: 10,
  path: 'episodes/lab-07/e.tar.zst',
  seq: 3,
};
const ACCEPTED: GateVerdict = { kind: 'accepted', commit: COMMIT, decision: { head: COMMIT, source: 'git' } };

interface World {
  verdict: GateVerdict;
  row: SequencedRow | undefined;
  tombstone?: SequencedTombstone;
  hasBlob: boolean;
  freeBytes: number;
  lookup: 'works' | 'fails';
}

function worldOf(change: Partial<World> = {}) {
  const world: World = {
    verdict: ACCEPTED,
    row: undefined,
    hasBlob: true,
    freeBytes: 1_000,
    lookup: 'works',
    ...change,
  };
  const judged: unknown[] = [];
  const gate: CheckDependencies['gate'] = {
    judge: (stamped) => {
      judged.push(stamped);
      return Promise.resolve(world.verdict);
    },
  };
  const ledger: CheckDependencies['ledger'] = {
    find: () =>
      world.lookup === 'works'
        ? Promise.resolve(world.row && { row: world.row, ...(world.tombstone && { tombstone: world.tombstone }) })
        : Promise.reject(new AppError('stopping', 'x')),
  };
  const blobs: CheckDependencies['blobs'] = {
    stat: () => Promise.resolve(world.hasBlob ? { sizeBytes: 10, storedAtWall: ROW.received_at_wall } : undefined),
  };
  const room = new Room(() => Promise.resolve(world.freeBytes), 100);
  const dependencies = { gate, ledger, blobs, room, maxEpisodeBytes: 500, remediationFor: () => 'git pull\nrestart' };
  const check = (headers: Record<string, string> = {}) => {
    const all: Record<string, string> = {
      'x-cis490-code-commit': COMMIT,
      'x-content-sha256': SHA,
      'content-length': '10',
      ...headers,
    };
    return checkEpisode(dependencies, KEY, (name) => all[name] || undefined);
  };
  return { check, judged, room };
}

async function codeOf(change: Partial<World>, headers: Record<string, string> = {}): Promise<string> {
  const outcome = await worldOf(change).check(headers);
  return outcome.kind === 'refused' ? outcome.code : outcome.kind;
}

describe('ids', () => {
  for (const [host, name, read] of [
    ['lab-07', 'e.tar.zst', KEY],
    ['lab-07', 'x.tar.zst.tar.zst', { hostId: 'lab-07', episodeId: 'x.tar.zst' }],
    ['lab-07', `${'e'.repeat(128)}.tar.zst`, { hostId: 'lab-07', episodeId: 'e'.repeat(128) }],
    ['', 'e.tar.zst', 'bad-host-id'],
    ['..', 'e.tar.zst', 'bad-host-id'],
    ['lab%2d07', 'e.tar.zst', 'bad-host-id'],
    ['-', '-', 'bad-host-id'],
    ['lab-07', '', 'bad-episode-id'],
    ['lab-07', '.tar.zst', 'bad-episode-id'],
    ['lab-07', '...tar.zst', 'bad-episode-id'],
    ['lab-07', '%2e%2e.tar.zst', 'bad-episode-id'],
    ['lab-07', 'a b.tar.zst', 'bad-episode-id'],
    ['lab-07', `${'e'.repeat(129)}.tar.zst`, 'bad-episode-id'],
    ['lab-07', '.tar.gz', 'bad-episode-id'],
    ['lab-07', 'e', 'bad-suffix'],
    ['lab-07', 'e.tar', 'bad-suffix'],
    ['lab-07', 'e.tar.gz', 'bad-suffix'],
    ['lab-07', 'e.tar.zst?x=1', 'bad-suffix'],
    ['lab-07', 'e.TAR.ZST', 'bad-suffix'],
  ] as const) {
    test(`${host} and ${name.length > 60 ? `${name.length} characters` : name}`, () => {
      const ids = readIds(host, name);
      assert.deepEqual(ids.kind === 'ids' ? ids.key : ids.code, read);
    });
  }
});

describe('the order of the checks: each is passed before the next is met', () => {
  const ladder: [code: string, change: Partial<World>, headers: Record<string, string>][] = [
    [
      'commit-blocked',
      { verdict: { kind: 'refused', code: 'commit-blocked', yourCommit: COMMIT, headCommit: null } },
      {},
    ],
    ['digest-missing', {}, { 'x-content-sha256': '' }],
    ['content-range-refused', {}, { 'content-range': 'bytes 0-1/2' }],
    ['encoding-refused', {}, { 'content-encoding': 'gzip' }],
    ['too-large', {}, { 'content-length': '501' }],
    ['disk-reserve', { freeBytes: 99 }, {}],
    ['conflict', { row: { ...ROW, sha256: 'cd'.repeat(32) } }, {}],
  ];
  for (const [index, [code]] of ladder.entries()) {
    test(code, async () => {
      const rest = ladder.slice(index);
      const change = Object.assign({}, ...rest.map(([, it]) => it));
      const headers = Object.assign({}, ...rest.map(([, , it]) => it));
      assert.equal(await codeOf(change, headers), code);
    });
  }
  test('accepted', async () => assert.equal(await codeOf({}), 'accepted'));
});

describe('the gate', () => {
  test('is asked about the commit and the modified tree as the headers have them', async () => {
    for (const [header, dirty] of [
      ['1', true],
      [' 1 ', true],
      ['0', false],
      ['true', false],
      ['', false],
    ] as const) {
      const { check, judged } = worldOf();
      await check({ 'x-cis490-code-commit': ' AbC', 'x-cis490-code-dirty': header });
      assert.deepEqual(judged, [{ commit: ' AbC', dirty }]);
    }
  });

  for (const code of [
    'commit-missing',
    'commit-malformed',
    'commit-not-in-window',
    'commit-blocked',
    'dirty-refused',
  ] as const) {
    test(`${code} carries the cure and what is known of the commits`, async () => {
      const verdict: GateVerdict = { kind: 'refused', code, yourCommit: 'mine', headCommit: 'head', headDistance: 0 };
      const outcome = await worldOf({ verdict }).check();
      assert.ok(outcome.kind === 'refused' && outcome.detail.length > 30 && outcome.detail !== code);
      assert.equal(outcome.code, code);
      assert.deepEqual(outcome.extras, {
        remediation: 'git pull\nrestart',
        your_commit: 'mine',
        head_commit: 'head',
        head_distance: 0,
      });
    });
  }

  test('a distance that is not known is left out', async () => {
    const verdict: GateVerdict = { kind: 'refused', code: 'commit-not-in-window', yourCommit: null, headCommit: null };
    const outcome = await worldOf({ verdict }).check();
    assert.deepEqual(outcome.kind === 'refused' && outcome.extras, {
      remediation: 'git pull\nrestart',
      your_commit: null,
      head_commit: null,
    });
  });

  for (const code of ['gate-unknown', 'gate-stale'] as const) {
    test(`${code} blames nobody`, async () => {
      const outcome = await worldOf({ verdict: { kind: 'cannot-know', code } }).check();
      assert.ok(outcome.kind === 'refused' && outcome.extras === undefined);
      assert.equal(outcome.code, code);
    });
  }
});

describe('size, coding and room', () => {
  for (const [title, headers, code] of [
    ['the largest that is taken', { 'content-length': '500' }, 'accepted'],
    ['of unknown length, with no room for a piece', { 'content-length': '' }, 'disk-reserve'],
    ['identity is no coding', { 'content-encoding': ' Identity ' }, 'accepted'],
    ['two codings', { 'content-encoding': 'identity, gzip' }, 'encoding-refused'],
    [
      'a digest that contradicts itself',
      { 'repr-digest': `sha-256=:${Buffer.alloc(32).toString('base64')}:` },
      'digest-malformed',
    ],
  ] satisfies [string, Record<string, string>, string][]) {
    test(title, async () => assert.equal(await codeOf({}, headers), code));
  }
});

describe('what is stored already', () => {
  test('the same digest is a duplicate', async () => {
    assert.deepEqual(await worldOf({ row: ROW }).check(), { kind: 'duplicate', row: ROW });
  });
  test('another digest is a conflict, which tells the stored one', async () => {
    const row = { ...ROW, sha256: 'cd'.repeat(32) };
    assert.deepEqual(await worldOf({ row }).check(), conflict(row));
    assert.deepEqual(conflict(row).extras, { stored_sha256: row.sha256 });
  });
  test('a retracted one is refused with its reason, whatever the digest and whether its file is still there', async () => {
    const tombstone = {
      host_id: 'lab-07',
      episode_id: 'e',
      retracted_at_wall: '2026-06-01T00:00:00.000000+00:00',
      reason: 'wrong sensor',
      by: 'token t-1',
      seq: 4,
    };
    for (const sha256 of [SHA, 'cd'.repeat(32)]) {
      for (const hasBlob of [true, false]) {
        const outcome = await worldOf({ row: { ...ROW, sha256 }, tombstone, hasBlob }).check();
        assert.ok(outcome.kind === 'refused' && outcome.code === 'retracted');
        assert.match(outcome.detail, /lab-07\/e was retracted at 2026-06-01.*: wrong sensor/);
      }
    }
  });
  test('a row whose file has gone takes the body again', async () => {
    assert.equal(await codeOf({ row: ROW, hasBlob: false }), 'accepted');
  });
  test('another digest stays a conflict when the file has gone', async () => {
    assert.equal(await codeOf({ row: { ...ROW, sha256: 'cd'.repeat(32) }, hasBlob: false }), 'conflict');
  });
});

test('accepted tells all that was declared', async () => {
  const outcome = await worldOf().check({ 'x-cis490-code-dirty': '1', 'x-cis490-schema-version': '7' });
  assert.ok(outcome.kind === 'accepted');
  const { reservation, ...rest } = outcome;
  reservation.release();
  assert.deepEqual(rest, {
    kind: 'accepted',
    key: KEY,
    sha256: SHA,
    declaredBytes: 10,
    commit: COMMIT,
    dirty: true,
    schemaVersion: '7',
    gate: { head: COMMIT, source: 'git' },
  });
});

describe('room', () => {
  const headers = { 'content-length': '500' };
  test('is held by what is accepted, until it is released', async () => {
    const { check, room } = worldOf();
    const outcome = await check(headers);
    await assert.rejects(room.reserve(401), { code: 'disk-reserve' });
    assert.ok(outcome.kind === 'accepted');
    outcome.reservation.release();
    await room.reserve(900);
  });
  for (const [title, change] of [
    ['a duplicate', { row: ROW }],
    ['a conflict', { row: { ...ROW, sha256: 'cd'.repeat(32) } }],
  ] satisfies [string, Partial<World>][]) {
    test(`is not held by ${title}`, async () => {
      const { check, room } = worldOf(change);
      await check(headers);
      await room.reserve(900);
    });
  }
  test('is not held when the ledger fails', async () => {
    const { check, room } = worldOf({ lookup: 'fails' });
    await assert.rejects(check(headers), { code: 'stopping' });
    await room.reserve(900);
  });
});

test('too large tells the limit', () => assert.match(tooLarge(500).detail, /500 bytes/));
