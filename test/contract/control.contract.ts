// What every Control does, whatever is behind it.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { Control, GateOverride, RetiredHost, RevokedToken } from '../../src/storage/control.ts';

export interface ControlUnderTest {
  /** Another caller of the same state, as another process would be. */
  another(): Promise<Control>;
}

export type OpenControl = (t: TestContext) => Promise<ControlUnderTest>;

const [T1, T2, T3] = ['2026-05-01', '2026-05-02', '2026-05-03'].map((day) => `${day}T00:00:00.000000+00:00`) as [
  string,
  string,
  string,
];
const COMMIT = 'a'.repeat(40);

const TOKENS: RevokedToken[] = [
  { id: 'admin-1', revokedAt: T2 },
  { id: 'fleet', revokedAt: T1 },
  { id: 'h1', revokedAt: T3 },
];

const FINGERPRINT = 'AB'.repeat(32);
const REVOKED_LOOKUPS: [string, { serial?: string; fingerprint?: string }, boolean][] = [
  ['the serial as it was written', { serial: '00:1A:2B' }, true],
  ['the serial in lower case, without colons and zeros', { serial: '1a2b' }, true],
  ['the serial with other zeros', { serial: '00001A2B' }, true],
  ['a serial of zero', { serial: '0' }, true],
  ['a serial with a zero behind it', { serial: '1A2B0' }, false],
  ['another serial', { serial: '1A2C' }, false],
  ['no serial', { serial: '' }, false],
  ['nothing', {}, false],
  ['the fingerprint', { fingerprint: FINGERPRINT }, true],
  ['the fingerprint as openssl prints it', { fingerprint: Array(32).fill('ab').join(':') }, true],
  ['another fingerprint', { fingerprint: 'ac'.repeat(32) }, false],
  ['its serial and another fingerprint', { serial: '1a2b', fingerprint: 'ac'.repeat(32) }, true],
  ['another serial and its fingerprint', { serial: '77', fingerprint: FINGERPRINT }, true],
  ['a serial that is another’s fingerprint', { serial: FINGERPRINT }, false],
];

export function describeControl(name: string, open: OpenControl): void {
  describe(`Control on ${name}`, () => {
    test('tokens: revoked for every caller at once, and listed by id', async (t) => {
      const { another } = await open(t);
      const [one, other] = [await another(), await another()];
      assert.deepEqual(await other.listRevokedTokens(), []);
      assert.equal(await other.isTokenRevoked('fleet'), false);
      for (const token of TOKENS.toReversed()) await one.revokeToken(token);
      for (const caller of [one, other]) {
        assert.deepEqual(await caller.listRevokedTokens(), TOKENS);
        assert.equal(await caller.isTokenRevoked('fleet'), true);
        for (const id of ['Fleet', 'flee', 'fleet ', '']) assert.equal(await caller.isTokenRevoked(id), false);
      }
    });

    test('the version is another after each change of another caller, and the same without one', async (t) => {
      const { another } = await open(t);
      const [one, other] = [await another(), await another()];
      const changes: ((control: Control) => Promise<unknown>)[] = [
        (control) => control.retireHost({ hostId: 'h1', retiredAt: T1, by: 'ada', reason: 'r' }),
        (control) => control.returnHost('h1'),
        (control) => control.putGateOverride({ kind: 'blocked', commit: COMMIT, why: 'w', by: 'ada' }),
      ];
      for (const change of changes) {
        const before = await one.version();
        assert.equal(await one.version(), before);
        await change(other);
        assert.notEqual(await one.version(), before);
      }
    });

    test('tokens: the first revocation’s time stands', async (t) => {
      const { another } = await open(t);
      const [one, other] = [await another(), await another()];
      await one.revokeToken({ id: 'x', revokedAt: T2 });
      await other.revokeToken({ id: 'x', revokedAt: T1 });
      await one.revokeToken({ id: 'x', revokedAt: T3 });
      assert.deepEqual(await other.listRevokedTokens(), [{ id: 'x', revokedAt: T2 }]);
    });

    test('certificates: revoked by serial, the first time and reason stand', async (t) => {
      const { another } = await open(t);
      const [one, other] = [await another(), await another()];
      assert.deepEqual(await one.listRevokedCertificates(), []);
      await one.putRevokedCertificate({ serial: '0B', revokedAt: T1, reason: 'stolen' });
      await one.putRevokedCertificate({ serial: '0A', revokedAt: T2, reason: 'retired' });
      await other.putRevokedCertificate({ serial: '0B', revokedAt: T3, reason: 'again' });
      await other.putRevokedCertificate({ serial: '00:b', revokedAt: T3, reason: 'written otherwise' });
      assert.deepEqual(await other.listRevokedCertificates(), [
        { serial: '0A', revokedAt: T2, reason: 'retired' },
        { serial: '0B', revokedAt: T1, reason: 'stolen' },
      ]);
    });

    test('certificates: a fingerprint that is learnt later is added, one that is known stays', async (t) => {
      const control = await (await open(t)).another();
      const [known, learnt] = ['1'.repeat(64), '2'.repeat(64)];
      await control.putRevokedCertificate({ serial: '0A', fingerprint: known, revokedAt: T1, reason: 'r' });
      await control.putRevokedCertificate({ serial: '0A', fingerprint: learnt, revokedAt: T2, reason: 'r2' });
      await control.putRevokedCertificate({ serial: '0B', revokedAt: T1, reason: 'r' });
      await control.putRevokedCertificate({ serial: '0B', fingerprint: learnt, revokedAt: T2, reason: 'r2' });
      assert.deepEqual(await control.listRevokedCertificates(), [
        { serial: '0A', fingerprint: known, revokedAt: T1, reason: 'r' },
        { serial: '0B', fingerprint: learnt, revokedAt: T1, reason: 'r' },
      ]);
    });

    for (const [how, asked, expected] of REVOKED_LOOKUPS) {
      test(`certificates: looked up by ${how}`, async (t) => {
        const { another } = await open(t);
        const [one, other] = [await another(), await another()];
        await one.putRevokedCertificate({ serial: '00:1A:2B', revokedAt: T1, reason: 'stolen' });
        await one.putRevokedCertificate({ serial: 'FF', fingerprint: FINGERPRINT, revokedAt: T1, reason: 'stolen' });
        await one.putRevokedCertificate({ serial: '00', revokedAt: T1, reason: 'the number zero' });
        assert.equal(await other.isCertificateRevoked(asked), expected);
      });
    }

    test('gate: a commit may be allowed and blocked; each is replaced and removed by itself', async (t) => {
      const { another } = await open(t);
      const [one, other] = [await another(), await another()];
      const allowed: GateOverride = { kind: 'allowed', commit: COMMIT, until: T2, why: 'hotfix', by: 'ada' };
      const blocked: GateOverride = { kind: 'blocked', commit: COMMIT, why: 'bad clock', by: 'bob' };
      await one.putGateOverride(blocked);
      await one.putGateOverride({ ...allowed, until: T1, why: 'first' });
      await one.putGateOverride(allowed);
      assert.deepEqual(await other.listGateOverrides(), [allowed, blocked]);
      assert.deepEqual(await other.findGateOverrides(COMMIT), [allowed, blocked]);
      assert.deepEqual(await other.findGateOverrides('b'.repeat(40)), []);
      assert.equal(await other.removeGateOverride('allowed', COMMIT), true);
      assert.deepEqual(await one.findGateOverrides(COMMIT), [blocked]);
      assert.equal(await other.removeGateOverride('allowed', COMMIT), false);
      assert.deepEqual(await one.listGateOverrides(), [blocked]);
    });

    test('gate: overrides of several commits, by kind and commit', async (t) => {
      const control = await (await open(t)).another();
      const inOrder: GateOverride[] = [
        { kind: 'allowed', commit: 'a'.repeat(40), until: T1, why: 'w1', by: 'ada' },
        { kind: 'allowed', commit: 'b'.repeat(40), until: T2, why: 'w2', by: 'ada' },
        { kind: 'blocked', commit: 'a'.repeat(40), why: 'w3', by: 'ada' },
        { kind: 'blocked', commit: 'c'.repeat(64), why: 'w4', by: 'ada' },
      ];
      for (const override of inOrder.toReversed()) await control.putGateOverride(override);
      assert.deepEqual(await control.listGateOverrides(), inOrder);
      assert.equal(await control.removeGateOverride('blocked', 'b'.repeat(40)), false);
      assert.equal((await control.listGateOverrides()).length, 4);
    });

    test('hosts: retired for every caller at once, the first decision stands until it is taken back', async (t) => {
      const { another } = await open(t);
      const [one, other] = [await another(), await another()];
      assert.deepEqual(await other.listRetiredHosts(), []);
      const [h1, h2] = ['h1', 'h2'].map((hostId) => ({ hostId, retiredAt: T1, by: 'ada', reason: 'sold' })) as [
        RetiredHost,
        RetiredHost,
      ];
      for (const host of [h2, h1]) await one.retireHost(host);
      await other.retireHost({ ...h1, retiredAt: T2, reason: 'again' });
      assert.deepEqual(await other.listRetiredHosts(), [h1, h2]);
      assert.equal(await other.returnHost('h1'), true);
      assert.equal(await other.returnHost('h1'), false);
      assert.equal(await one.returnHost('H2'), false);
      assert.deepEqual(await one.listRetiredHosts(), [h2]);
      await one.retireHost({ ...h1, retiredAt: T2 });
      assert.deepEqual(await one.listRetiredHosts(), [{ ...h1, retiredAt: T2 }, h2]);
    });

    test('all of it outlives its caller', async (t) => {
      const { another } = await open(t);
      const first = await another();
      await first.retireHost({ hostId: 'h1', retiredAt: T1, by: 'ada', reason: 'sold' });
      await first.revokeToken({ id: 'x', revokedAt: T1 });
      await first.putRevokedCertificate({ serial: '0A', revokedAt: T1, reason: 'stolen' });
      await first.putGateOverride({ kind: 'blocked', commit: COMMIT, why: 'bad', by: 'ada' });
      await first.close();
      const second = await another();
      assert.equal(await second.isTokenRevoked('x'), true);
      assert.equal(await second.isCertificateRevoked({ serial: 'A' }), true);
      assert.equal((await second.listRevokedCertificates()).length, 1);
      assert.equal((await second.listGateOverrides()).length, 1);
      assert.equal((await second.listRetiredHosts()).length, 1);
    });
  });
}
