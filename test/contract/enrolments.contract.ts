// What every Enrolments does, whatever is behind it.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { Enrolments, EnrolmentToken, IssuedCertificate } from '../../src/storage/enrolments.ts';

export interface EnrolmentsUnderTest {
  /** Another caller of the same state, as another process would be. */
  another(): Promise<Enrolments>;
}

export type OpenEnrolments = (t: TestContext) => Promise<EnrolmentsUnderTest>;

const [T1, T2, T3] = ['2026-05-01', '2026-05-02', '2026-05-03'].map((day) => `${day}T00:00:00.000000+00:00`) as [
  string,
  string,
  string,
];

function token(id: string, more: Partial<EnrolmentToken> = {}): EnrolmentToken {
  return { id, sha256: `${id}`.padEnd(64, '0'), hostId: 'lab-1', createdAt: T1, expiresAt: T3, by: 'ada', ...more };
}

function issued(serial: string, more: Partial<IssuedCertificate> = {}): IssuedCertificate {
  return {
    serial,
    fingerprint: serial.padEnd(64, 'f'),
    hostId: 'lab-1',
    keySha256: 'a'.repeat(64),
    notBefore: T1,
    notAfter: T3,
    issuedAt: T1,
    authority: 'c'.repeat(64),
    occasion: 'renewal',
    ...more,
  };
}

export function describeEnrolments(name: string, open: OpenEnrolments): void {
  describe(`Enrolments on ${name}`, () => {
    test('tokens: found by their digest by every caller at once, listed newest first', async (t) => {
      const { another } = await open(t);
      const [one, other] = [await another(), await another()];
      assert.deepEqual(await other.listTokens(), []);
      const [older, newer] = [token('e-1'), token('e-2', { createdAt: T2, hostId: 'lab-2' })];
      for (const each of [older, newer]) await one.putToken(each);
      assert.deepEqual(await other.findToken(older.sha256), older);
      assert.equal(await other.findToken('9'.repeat(64)), undefined);
      assert.equal(await other.findToken('e-1'), undefined);
      assert.deepEqual(await other.listTokens(), [newer, older]);
    });

    test('tokens: a token or a digest is there once', async (t) => {
      const { another } = await open(t);
      const one = await another();
      await one.putToken(token('e-1'));
      await assert.rejects(one.putToken(token('e-1', { sha256: '1'.repeat(64) })));
      await assert.rejects(one.putToken(token('e-2', { sha256: token('e-1').sha256 })));
    });

    test('tokens: the first key that binds one stays, also of several at once', async (t) => {
      const { another } = await open(t);
      const callers = [await another(), await another(), await another()];
      const [first] = callers as [Enrolments, ...Enrolments[]];
      await first.putToken(token('e-1'));
      await first.putToken(token('e-2'));
      const keys = ['1', '2', '3'].map((digit) => digit.repeat(64));
      const bound = await Promise.all(callers.map((caller, index) => caller.bindToken('e-1', keys[index] ?? '')));
      assert.equal(new Set(bound).size, 1);
      assert.ok(keys.includes(bound[0] ?? ''));
      for (const caller of callers) assert.equal(await caller.bindToken('e-1', '9'.repeat(64)), bound[0]);
      assert.equal((await first.findToken(token('e-1').sha256))?.keySha256, bound[0]);
      assert.equal((await first.findToken(token('e-2').sha256))?.keySha256, undefined);
      await assert.rejects(first.bindToken('e-3', keys[0] ?? ''));
    });

    test('tokens: revoked by id, the first time stands', async (t) => {
      const { another } = await open(t);
      const [one, other] = [await another(), await another()];
      for (const id of ['e-1', 'e-2']) await one.putToken(token(id));
      assert.equal(await one.revokeToken('e-1', T2), true);
      assert.equal(await other.revokeToken('e-1', T3), true);
      assert.equal(await other.revokeToken('E-1', T3), false);
      assert.deepEqual(
        (await other.listTokens()).map(({ revokedAt }) => revokedAt),
        [T2, undefined],
      );
    });

    test('certificates: found by the serial, however it is written; listed newest first', async (t) => {
      const { another } = await open(t);
      const [one, other] = [await another(), await another()];
      const [older, newer, ofAnother] = [
        issued('0a1b'),
        issued('2c', { issuedAt: T2 }),
        issued('3d', { hostId: 'lab-2', issuedAt: T3 }),
      ] as const;
      for (const each of [newer, older, ofAnother]) await one.putIssued(each);
      for (const serial of ['0a1b', 'A1B', '00:0A:1B']) assert.deepEqual(await other.findIssued(serial), older, serial);
      assert.equal(await other.findIssued('a1b0'), undefined);
      assert.deepEqual(await other.listIssued(), [ofAnother, newer, older]);
      assert.deepEqual(await other.listIssued('lab-1'), [newer, older]);
      assert.deepEqual(await other.listIssued('lab-3'), []);
      await assert.rejects(other.putIssued(issued('A1B')), 'a serial is there once');
    });

    test('all of it outlives its caller', async (t) => {
      const { another } = await open(t);
      const first = await another();
      await first.putToken(token('e-1'));
      await first.bindToken('e-1', 'b'.repeat(64));
      await first.putIssued(issued('0a'));
      await first.close();
      const second = await another();
      assert.deepEqual(await second.listTokens(), [token('e-1', { keySha256: 'b'.repeat(64) })]);
      assert.deepEqual(await second.listIssued(), [issued('0a')]);
    });
  });
}
