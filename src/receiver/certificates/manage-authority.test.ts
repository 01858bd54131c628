import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { formatWallTime } from '../../lib/clock.ts';
import { recordingLogger } from '../identity/identity.fixture.ts';
import { readAuthoritySet, serverAuthorityOf } from './authority-files.ts';
import { withAuthorityLock } from './authority-lock.ts';
import { authorityBench, hostKey, NAMES, putToken, termsOf } from './certificates.fixture.ts';
import { LiveAuthority } from './live-authority.ts';
import { finishRenewal, initAuthority, issueServerCertificate, renewAuthority } from './manage-authority.ts';
import { isRenewalDue, namesOf } from './server-certificate.ts';

describe('names', () => {
  for (const name of [
    '',
    'a b',
    'x,DNS:y',
    '-a.lab',
    'a..lab',
    '*.lab',
    '1.2.3.4/8',
    `${'a'.repeat(64)}.lab`,
    'http://a',
  ]) {
    test(`"${name}" is refused, and nothing is made`, async (t) => {
      const bench = await authorityBench(t, []);
      await assert.rejects(initAuthority({ names: ['good.lab', name] }, bench), { code: 'bad-input' });
      assert.equal(readAuthoritySet(bench.root), undefined);
    });
  }

  test('addresses and names, each once; a long one is no common name', async (t) => {
    const long = `${'a'.repeat(40)}.${'b'.repeat(40)}.lab`;
    const bench = await authorityBench(t, [long, '192.0.2.7', '2001:db8::1', 'A.lab', '192.0.2.7']);
    const { server } = termsOf(bench).authority;
    assert.deepEqual(namesOf(server), [long, '192.0.2.7', '2001:DB8:0:0:0:0:0:1', 'A.lab']);
    assert.equal(server.subject, 'CN=192.0.2.7');
    assert.equal(server.checkHost('a.lab'), 'A.lab');
    assert.equal(server.checkIP('2001:db8::1'), '2001:db8::1');
    // They come back as they are read from it.
    await issueServerCertificate({ names: [] }, bench);
    assert.deepEqual(namesOf(termsOf(bench).authority.server), namesOf(server));
  });
});

test('init says what is there, and changes nothing', async (t) => {
  const bench = await authorityBench(t);
  const { fingerprint } = termsOf(bench).authority.current;
  await assert.rejects(initAuthority({ names: ['other.lab'] }, bench), {
    code: 'already-initialised',
    message: new RegExp(`fingerprint ${fingerprint}, .*receiver\\.lab, 192\\.0\\.2\\.7`),
  });
  assert.equal(termsOf(bench).authority.current.fingerprint, fingerprint);
});

test('a change waits for nobody: the second is told', async (t) => {
  const bench = await authorityBench(t);
  await withAuthorityLock(bench.root, async () => {
    await assert.rejects(renewAuthority(bench), { code: 'already-running' });
  });
});

test('a roll-over: the new one signs hosts, the old one the receiver, until it is finished', async (t) => {
  const bench = await authorityBench(t);
  const old = termsOf(bench).authority.current;
  const token = await putToken(bench, 'e-1', 'lab-1');
  const enrol = async (id: string, hostId: string) => {
    const wanted = id === 'e-1' ? token : await putToken(bench, id, hostId);
    assert.equal((await bench.enroller.enrol(wanted, (await hostKey()).csr, termsOf(bench))).kind, 'issued');
  };
  await enrol('e-1', 'lab-1');
  await renewAuthority(bench);
  assert.deepEqual(bench.steps, ['set-written', 'set-in-force', 'old-set-removed']);
  await assert.rejects(renewAuthority(bench), { code: 'roll-over-under-way' });
  const during = termsOf(bench).authority;
  assert.equal(during.previous?.fingerprint, old.fingerprint);
  const trusted = readFileSync(join(bench.root, 'ca/trusted.crt'), 'utf8');
  assert.equal(trusted, during.current.certificate.toString() + old.certificate.toString());
  await issueServerCertificate({ names: [] }, bench);
  assert.equal(serverAuthorityOf(termsOf(bench).authority).fingerprint, old.fingerprint);

  await enrol('e-2', 'lab-2');
  await assert.rejects(finishRenewal({ force: false }, bench), { code: 'hosts-on-old-authority', message: /: lab-1$/ });
  bench.said();
  await finishRenewal({ force: true }, bench);
  assert.match(bench.said().told, /come back with a new token only: lab-1\n/);
  const after = termsOf(bench).authority;
  assert.deepEqual([after.previous, after.current.fingerprint], [undefined, during.current.fingerprint]);
  assert.equal(serverAuthorityOf(after).fingerprint, after.current.fingerprint);
  assert.deepEqual(namesOf(after.server), NAMES);
  await finishRenewal({ force: false }, bench);
  assert.match(bench.said().told, /nothing to finish/);
});

test('a host whose certificate under the old authority has expired does not hold it up, and is named', async (t) => {
  const bench = await authorityBench(t);
  const token = await putToken(bench, 'e-1', 'lab-1');
  await bench.enroller.enrol(token, (await hostKey()).csr, termsOf(bench));
  await renewAuthority(bench);
  bench.clock.add(91);
  bench.said();
  await finishRenewal({ force: false }, bench);
  assert.match(bench.said().told, /come back with a new token only: lab-1\n/);
});

describe("the receiver's own certificate", () => {
  const YEAR = 365;
  for (const [what, day, expected] of [
    ['at first', 1, false],
    ['before two thirds', 243, false],
    ['after two thirds', 244, true],
    ['expired', 400, true],
    ['that would end with its authority again', 3640, true],
  ] as const) {
    test(`${what}: ${expected ? 'due' : 'not due'}`, async (t) => {
      const bench = await authorityBench(t);
      bench.clock.add(day);
      const nowMs = bench.clock.now.epochMilliseconds;
      assert.equal(isRenewalDue(termsOf(bench).authority, { nowMs, days: YEAR }), expected);
    });
  }

  test('is not made anew over and over when its authority ends as soon', async (t) => {
    const bench = await authorityBench(t);
    bench.clock.add(3640);
    await issueServerCertificate({ names: [] }, bench);
    bench.clock.add(9);
    assert.equal(
      isRenewalDue(termsOf(bench).authority, { nowMs: bench.clock.now.epochMilliseconds, days: YEAR }),
      false,
    );
  });
});

test('the receiver that runs sees a change within a second, and keeps what it has of a damaged one', async (t) => {
  const bench = await authorityBench(t, []);
  const { logger, lines } = recordingLogger();
  let ms = 0;
  const clock = {
    ...bench.clock,
    wallTime: () => formatWallTime(bench.clock.now),
    monotonicMs: () => ms,
    sleep: async () => undefined,
  };
  const live = new LiveAuthority({ storeRoot: bench.root, clock, logger });
  const current = () => live.set;
  assert.equal(current(), undefined);
  await initAuthority({ names: NAMES }, bench);
  ms = 999;
  assert.deepEqual([live.look(), current()], [false, undefined]);
  ms = 1000;
  assert.equal(live.look(), true);
  assert.deepEqual(current()?.server.raw, termsOf(bench).authority.server.raw);
  assert.equal(live.lookNow(), false);
  await renewAuthority(bench);
  rmSync(join(bench.root, 'ca/current/ca.key'));
  assert.equal(live.lookNow(), false);
  const kept = current();
  assert.ok(kept && !kept.previous);
  assert.match(lines.join(''), /could not be read; what was read before still counts/);
});
