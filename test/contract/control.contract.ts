// What every Control does, whatever is behind it.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { Control, GateOverride, TokenRecord } from '../../src/storage/control.ts';

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

const TOKENS: TokenRecord[] = [
  { id: 'admin', role: 'admin', sha256: '1'.repeat(64) },
  { id: 'fleet', role: 'fleet', sha256: '2'.repeat(64), expiresAt: T2 },
  { id: 'h1', role: 'host', hostId: 'h1', sha256: '3'.repeat(64), expiresAt: T2 },
  { id: 'old', role: 'reader', sha256: '4'.repeat(64), revokedAt: T1 },
];

export function describeControl(name: string, open: OpenControl): void {
  describe(`Control on ${name}`, () => {
    test('tokens are listed as they were put, by id, to every caller at once', async (t) => {
      const { another } = await open(t);
      const [one, other] = [await another(), await another()];
      assert.deepEqual(await other.listTokens(), []);
      for (const token of TOKENS.toReversed()) await one.putToken(token);
      assert.deepEqual(await one.listTokens(), TOKENS);
      assert.deepEqual(await other.listTokens(), TOKENS);
    });

    test('a token is replaced by its id', async (t) => {
      const control = await (await open(t)).another();
      await control.putToken({ id: 'x', role: 'host', hostId: 'h1', sha256: '1'.repeat(64), expiresAt: T1 });
      const replaced: TokenRecord = { id: 'x', role: 'reader', sha256: '2'.repeat(64) };
      await control.putToken(replaced);
      assert.deepEqual(await control.listTokens(), [replaced]);
    });

    test('revoked for every caller at once, since the first revocation, and for good', async (t) => {
      const { another } = await open(t);
      const [one, other] = [await another(), await another()];
      const token: TokenRecord = { id: 'x', role: 'admin', sha256: '1'.repeat(64) };
      await one.putToken(token);
      assert.equal(await one.revokeToken('x', T2), true);
      assert.equal(await one.revokeToken('x', T3), true);
      assert.deepEqual(await other.listTokens(), [{ ...token, revokedAt: T2 }]);
      await one.putToken(token);
      await one.putToken({ ...token, revokedAt: T1 });
      assert.deepEqual(await other.listTokens(), [{ ...token, revokedAt: T2 }]);
    });

    test('revoking a token that is not there says so, and makes none', async (t) => {
      const control = await (await open(t)).another();
      await control.putToken(TOKENS[0] as TokenRecord);
      assert.equal(await control.revokeToken('nobody', T1), false);
      assert.deepEqual(await control.listTokens(), TOKENS.slice(0, 1));
    });

    test('certificates: revoked by serial, the first time and reason stand', async (t) => {
      const { another } = await open(t);
      const [one, other] = [await another(), await another()];
      assert.deepEqual(await one.listRevokedCertificates(), []);
      await one.putRevokedCertificate({ serial: '0B', revokedAt: T1, reason: 'stolen' });
      await one.putRevokedCertificate({ serial: '0A', revokedAt: T2, reason: 'retired' });
      await other.putRevokedCertificate({ serial: '0B', revokedAt: T3, reason: 'again' });
      assert.deepEqual(await other.listRevokedCertificates(), [
        { serial: '0A', revokedAt: T2, reason: 'retired' },
        { serial: '0B', revokedAt: T1, reason: 'stolen' },
      ]);
    });

    test('gate: a commit may be allowed and blocked; each is replaced and removed by itself', async (t) => {
      const { another } = await open(t);
      const [one, other] = [await another(), await another()];
      const allowed: GateOverride = { kind: 'allowed', commit: COMMIT, until: T2, why: 'hotfix', by: 'ada' };
      const blocked: GateOverride = { kind: 'blocked', commit: COMMIT, why: 'bad clock', by: 'bob' };
      await one.putGateOverride(blocked);
      await one.putGateOverride({ ...allowed, until: T1, why: 'first' });
      await one.putGateOverride(allowed);
      assert.deepEqual(await other.listGateOverrides(), [allowed, blocked]);
      assert.equal(await other.removeGateOverride('allowed', COMMIT), true);
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

    test('all of it outlives its caller', async (t) => {
      const { another } = await open(t);
      const first = await another();
      await first.putToken(TOKENS[2] as TokenRecord);
      await first.putRevokedCertificate({ serial: '0A', revokedAt: T1, reason: 'stolen' });
      await first.putGateOverride({ kind: 'blocked', commit: COMMIT, why: 'bad', by: 'ada' });
      await first.close();
      const second = await another();
      assert.deepEqual(await second.listTokens(), [TOKENS[2]]);
      assert.equal((await second.listRevokedCertificates()).length, 1);
      assert.equal((await second.listGateOverrides()).length, 1);
    });
  });
}
