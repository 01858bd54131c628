import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sha256 } from '../../../test/support/episodes.ts';
import { serverAuthorityOf } from './authority-files.ts';
import { authorityBench, hostKey, putToken, termsOf } from './certificates.fixture.ts';
import { issueServerCertificate, renewAuthority } from './manage-authority.ts';
import { createEnrolmentToken, listCertificates, revokeEnrolmentToken, revokeHost } from './manage-enrolments.ts';

const WANTED = { host: 'lab-1', expires: '24h', json: false };

describe('a token', () => {
  test('is told once, with the command of the new host; what is kept is its digest', async (t) => {
    const bench = await authorityBench(t);
    await createEnrolmentToken(WANTED, bench);
    const { written, told } = bench.said();
    const command =
      /^command +sudo cis490 bootstrap --receiver (?<url>\S+) --token (?<token>\S+) --ca-fingerprint (?<fingerprint>[0-9a-f]{64}) --host-id lab-1$/m;
    const { token = '', url, fingerprint } = command.exec(written)?.groups ?? {};
    assert.match(token, /^cis490_enrol_[\w-]{43}$/);
    assert.equal(url, 'https://receiver.lab:8490');
    assert.equal(fingerprint, termsOf(bench).authority.current.fingerprint);
    assert.doesNotMatch(told, new RegExp(token));
    const kept = await bench.enrolments.findToken(sha256(token));
    assert.deepEqual([kept?.hostId, kept?.by, kept?.keySha256], ['lab-1', 'ada', undefined]);
    assert.equal(Date.parse(kept?.expiresAt ?? '') - Date.parse(kept?.createdAt ?? ''), 86_400_000);
    assert.doesNotMatch(JSON.stringify(await bench.enrolments.listTokens()), new RegExp(token));
  });

  for (const [names, receiver, url] of [
    [['2001:db8::1'], undefined, 'https://[2001:DB8:0:0:0:0:0:1]:8490'],
    [['a.lab'], 'https://proxy.example', 'https://proxy.example'],
  ] as const) {
    test(`for ${url}`, async (t) => {
      const bench = await authorityBench(t, [...names]);
      await createEnrolmentToken({ ...WANTED, receiver, json: true }, bench);
      const answer = JSON.parse(bench.said().written);
      assert.ok(answer.command.replaceAll("'", '').includes(`--receiver ${url} `), answer.command);
      assert.deepEqual([answer.host_id, typeof answer.token, answer.id.slice(0, 2)], ['lab-1', 'string', 'e-']);
    });
  }

  test('tells the fingerprint of whoever has signed what the new host will see', async (t) => {
    const bench = await authorityBench(t);
    const before = termsOf(bench).authority.current.fingerprint;
    await renewAuthority(bench);
    await issueServerCertificate({ names: [] }, bench);
    bench.said();
    await createEnrolmentToken({ ...WANTED, json: true }, bench);
    assert.equal(JSON.parse(bench.said().written).ca_fingerprint, before);
    assert.equal(serverAuthorityOf(termsOf(bench).authority).fingerprint, before);
  });

  for (const [what, wanted, error] of [
    ['a time that is over', { expires: '2020-01-01' }, { code: 'bad-input' }],
    ['a URL that is none', { receiver: 'receiver.lab' }, { code: 'bad-input' }],
    ['a URL of another kind', { receiver: 'ftp://receiver.lab' }, { code: 'bad-input' }],
  ] as const) {
    test(`${what} is refused`, async (t) => {
      const bench = await authorityBench(t);
      await assert.rejects(createEnrolmentToken({ ...WANTED, ...wanted }, bench), error);
      assert.deepEqual(await bench.enrolments.listTokens(), []);
    });
  }

  test('without an authority there is none', async (t) => {
    await assert.rejects(createEnrolmentToken(WANTED, await authorityBench(t, [])), { code: 'no-authority' });
  });
});

test('the list tells what each certificate is worth, and which tokens are open', async (t) => {
  const bench = await authorityBench(t);
  const list = async (host?: string) => {
    await listCertificates({ host, json: true }, bench);
    return JSON.parse(bench.said().written);
  };
  const enrol = async (id: string, hostId: string) => {
    const token = await putToken(bench, id, hostId);
    assert.equal((await bench.enroller.enrol(token, (await hostKey()).csr, termsOf(bench))).kind, 'issued');
  };
  await enrol('e-1', 'lab-1');
  bench.clock.add(80);
  await enrol('e-2', 'lab-1');
  await enrol('e-3', 'lab-2');
  await putToken(bench, 'e-4', 'lab-3');
  const states = async (host?: string) =>
    (await list(host)).certificates.map((it: { host_id: string; state: string }) => `${it.host_id} ${it.state}`).sort();
  assert.deepEqual(await states(), ['lab-1 superseded', 'lab-1 valid', 'lab-2 valid']);
  const tokens = async () => (await list()).tokens.map((it: { id: string; state: string }) => `${it.id} ${it.state}`);
  assert.deepEqual((await tokens()).sort(), ['e-2 used', 'e-3 used', 'e-4 unused'], 'the first has expired');
  await revokeEnrolmentToken('e-4', bench);
  await assert.rejects(revokeEnrolmentToken('e-9', bench), { code: 'bad-input' });
  await revokeHost('lab-2', 'sold', bench);
  assert.deepEqual((await tokens()).sort(), ['e-2 used']);
  bench.clock.add(20);
  assert.deepEqual(await states(), ['lab-1 expired', 'lab-1 valid', 'lab-2 revoked']);
  assert.deepEqual(await states('lab-2'), ['lab-2 revoked']);
  bench.said();
  await listCertificates({ host: 'lab-1', json: false }, bench);
  assert.match(
    bench.said().written,
    /^HOST +SERIAL +FROM +UNTIL +STATE +OCCASION\nlab-1 .* valid +token e-2\nlab-1 .* expired +token e-1\n$/,
  );
});

test('a host that nobody knows is not revoked without a word', async (t) => {
  const bench = await authorityBench(t);
  await assert.rejects(revokeHost('lab-1', 'x', bench), {
    code: 'bad-input',
    message: /no certificate was ever issued to lab-1/,
  });
  await putToken(bench, 'e-1', 'lab-1');
  await assert.rejects(revokeHost('lab-1', ' ', bench), { code: 'bad-input' });
  await revokeHost('lab-1', 'x', bench);
  assert.match(bench.said().told, /lab-1: 0 certificates and 1 tokens revoked/);
});
