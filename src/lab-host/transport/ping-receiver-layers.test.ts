import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { describe, type TestContext, test } from 'node:test';
import { freePort } from '../../../test/support/program.ts';
import { formatLayer } from '../shipper/ping.ts';
import { json, pathTo, serve, serveRaw } from './ping.fixture.ts';
import { type LayerReport, runLayers } from './ping-layers.ts';
import { PING_LAYERS } from './receiver-path.ts';

const COMMIT = 'a'.repeat(40);
const PING = { ok: true, host_id: null, server_time: '2026-05-01T06:37:53.830599+00:00', version: COMMIT };
const clock = { wallTime: () => PING.server_time, monotonicMs: () => 0, sleep: async () => undefined };

async function run(t: TestContext, url: string, dirty = false): Promise<LayerReport[]> {
  const codeVersion = { commit: COMMIT, dirty, stamped_at_wall: null };
  return await runLayers(PING_LAYERS, pathTo(t, url, { clock, codeVersion }));
}

/** A receiver whose ping and gate answer so. */
function receiver(ping: RequestListener, gate: RequestListener = json(200, { verdict: 'accepted' })): RequestListener {
  return (request, response) => (request.url === '/v1/ping' ? ping : gate)(request, response);
}

const html: RequestListener = (_request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/html' });
  response.end('<html>Please log in</html>');
};

test('every layer of a whole path, in order', async (t) => {
  const asked: string[] = [];
  const listener = receiver(json(200, PING));
  const reports = await run(
    t,
    await serve(t, (request, response) => {
      asked.push(`${request.method} ${request.url}`);
      listener(request, response);
    }),
    true,
  );
  assert.deepEqual(
    reports.map(({ layer, status }) => `${layer}: ${status}`),
    [
      'configuration: ok',
      'name: ok',
      'tcp: ok',
      'full-size packet: ok',
      'tls: not used',
      'client certificate: not used',
      'http: ok',
      'credential: ok',
      'contract: ok',
      'gate: ok',
    ],
  );
  // Small, padded, and the one whose answer is looked at.
  assert.deepEqual(asked.slice(0, 3), ['POST /v1/ping', 'POST /v1/ping', 'POST /v1/ping']);
  assert.deepEqual(asked.slice(3), [`GET /v1/version-gate?commit=${COMMIT}&dirty=1`]);
});

describe('the first layer that fails', () => {
  for (const [what, listener, layer, code, told] of [
    [
      'no credential',
      receiver(json(401, { code: 'credential-missing', detail: 'who?' })),
      'credential',
      'credential-missing',
      /status 401: who\?/,
    ],
    ['a wrong one', receiver(json(403, { code: 'forbidden' })), 'credential', 'forbidden', /status 403/],
    ['the older receiver refuses', receiver(json(401, { detail: 'no' })), 'credential', 'http-401', /no/],
    [
      "another host's",
      receiver(json(200, { ...PING, host_id: 'lab-2' })),
      'credential',
      'forbidden',
      /that of lab-2, and this host is lab-1/,
    ],
    ['a login page', html, 'contract', 'unexpected-answer', /Please log in/],
    ['a redirect', receiver(json(302)), 'contract', 'unexpected-answer', /status 302/],
    ['another service', json(404, {}), 'contract', 'not-found', /status 404/],
    [
      'a receiver that is down',
      receiver(json(503, { code: 'not-ready', detail: 'full' })),
      'contract',
      'not-ready',
      /full/,
    ],
    [
      'stale code',
      receiver(
        json(200, PING),
        json(200, { verdict: 'refused', code: 'commit-not-in-window', remediation: 'git pull\nrestart' }),
      ),
      'gate',
      'commit-not-in-window',
      /would be refused/,
    ],
    [
      'a gate that cannot know',
      receiver(json(200, PING), json(200, { verdict: 'unknown', code: 'gate-stale' })),
      'gate',
      'gate-stale',
      /./,
    ],
    ['a gate that is a page', receiver(json(200, PING), html), 'gate', 'unexpected-answer', /Please/],
    [
      'a gate that may not be asked',
      receiver(json(200, PING), json(403, { code: 'forbidden' })),
      'gate',
      'forbidden',
      /403/,
    ],
  ] as const) {
    test(`${what}: ${layer}`, async (t) => {
      const reports = await run(t, await serve(t, listener));
      const index = reports.findIndex(({ status }) => status === 'failed');
      const report = reports[index];
      assert.ok(report?.status === 'failed', JSON.stringify(reports));
      assert.deepEqual([report.layer, report.code], [layer, code]);
      assert.match(report.detail, told);
      assert.ok(report.cure.length > 10 || report.cure.includes('git pull'));
      assert.ok(reports.slice(index + 1).every(({ status }) => status === 'not reached'));
    });
  }

  test('something that is not HTTP', async (t) => {
    const port = await serveRaw(t, (socket) => socket.on('data', () => socket.write('220 mail.example ESMTP\r\n')));
    const reports = await run(t, `http://127.0.0.1:${port}`);
    const report = reports.find(({ status }) => status === 'failed');
    assert.ok(report?.status === 'failed' && report.layer === 'http' && report.code === 'not-http');
  });

  test('nobody', async (t) => {
    const reports = await run(t, `http://127.0.0.1:${await freePort()}`);
    assert.deepEqual(
      reports.map(({ status }) => status),
      ['ok', 'ok', 'failed', ...Array.from({ length: 7 }, () => 'not reached')],
    );
  });
});

describe('an older receiver', () => {
  test('says less, and cannot be asked about a commit', async (t) => {
    const reports = await run(t, await serve(t, receiver(json(200, { ok: true }), json(404, {}))));
    const [credential, contract, gate] = reports.slice(-3);
    assert.ok(credential?.status === 'ok' && contract?.status === 'ok' && contract.detail === 'an older receiver');
    assert.ok(gate?.status === 'not used');
  });
});

for (const [serverTime, told] of [
  ['2026-05-01T06:37:53.830599+00:00', 'the clocks agree'],
  ['2026-05-01T06:38:53.830599+00:00', 'the clock here is 60.0 s behind (timedatectl)'],
  ['2026-05-01T05:37:53.830599+00:00', 'the clock here is 3600.0 s ahead (timedatectl)'],
] as const) {
  test(`${told}`, async (t) => {
    const reports = await run(t, await serve(t, receiver(json(200, { ...PING, server_time: serverTime }))));
    const contract = reports.find(({ layer }) => layer === 'contract');
    assert.ok(contract?.status === 'ok' && contract.detail === `version aaaaaaaaaaaa, ${told}`);
  });
}

test('a line a layer, the cure under the one that failed, and nothing that drives the terminal', () => {
  assert.equal(
    formatLayer({ layer: 'tcp', status: 'ok', detail: 'a\x1b[2Jb' }, false),
    'ok           tcp                 a?[2Jb\n',
  );
  assert.equal(
    formatLayer({ layer: 'gate', status: 'failed', code: 'c', detail: 'd', cure: 'one\ntwo' }, false),
    'failed       gate                c: d\n             cure: one\n             cure: two\n',
  );
  assert.equal(formatLayer({ layer: 'gate', status: 'not reached' }, false), 'not reached  gate\n');
  assert.equal(formatLayer({ layer: 'gate', status: 'not reached' }, true), '\x1b[2mnot reached\x1b[0m  gate\n');
});
