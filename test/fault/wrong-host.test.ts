// Each credential on every path of the contract, with another host's name in it: 401 or 403 for whom wire.md does not name, and nothing
// written. What was sent once and is sent again changes nothing either.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { sha256 } from '../support/episodes.ts';
import { GOOD_COMMIT, TestFleet } from '../support/fleet.ts';
import { readRows } from '../support/nothing-lost.ts';
import { Program } from '../support/program.ts';
import { put, type SendOptions, send } from '../support/put.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const FLEET_TOKEN = 'the-token-of-the-whole-fleet';
// Of lab-1, on paths of lab-1; `other` is lab-2's on the same.
const CREDENTIALS = ['own', 'other', 'fleet', 'reader', 'admin', 'expired', 'unknown', 'nobody'] as const;
type Credential = (typeof CREDENTIALS)[number];

const READING: Credential[] = ['reader', 'admin'];
const FLEET_VIEWS: Credential[] = ['fleet', 'reader', 'admin'];
const WRITING: Credential[] = ['own', 'fleet', 'admin'];
const KNOWN: Credential[] = ['own', 'other', 'fleet', 'reader', 'admin'];
const ALERT = '0123456789abcdef';

/** Who may, as the table in wire.md has it: written down here once more, and not taken from the program. */
const RIGHTS: [request: string, may: readonly Credential[], options?: SendOptions][] = [
  ['PUT /v1/episodes/lab-1/e.tar.zst', WRITING],
  ['HEAD /v1/episodes/lab-1/e.tar.zst', ['own', 'fleet', 'reader', 'admin']],
  ['GET /v1/episodes/lab-1/e.tar.zst', READING],
  ['GET /v1/episodes', READING],
  ['GET /v1/index', READING],
  ['GET /v1/fleet', FLEET_VIEWS],
  ['GET /v1/fleet/lab-1', FLEET_VIEWS],
  ['POST /v1/fleet/lab-1/retire', ['admin'], { body: '{"reason":"gone"}' }],
  ['DELETE /v1/fleet/lab-1/retire', ['admin']],
  ['GET /v1/alerts', READING],
  [`POST /v1/alerts/${ALERT}/acknowledge`, ['admin'], { body: '{"reason":"known"}' }],
  ['GET /v1/silences', READING],
  ['POST /v1/silences', ['admin'], { body: '{"host":"lab-1","for":"2h","reason":"it moves"}' }],
  ['DELETE /v1/silences/1', ['admin']],
  ['PUT /v1/host-health/lab-1', WRITING, { body: '{"status":"red"}' }],
  ['GET /v1/host-health/lab-1', FLEET_VIEWS],
  ['GET /v1/host-health', FLEET_VIEWS],
  ['POST /v1/ping', ['own', 'other', 'fleet', 'admin']],
  [
    'POST /v1/heartbeat',
    WRITING,
    { body: JSON.stringify({ host_id: 'lab-1', sent_at_wall: '2026-05-01T00:00:00Z', machine: 'm', boot_id: 'b' }) },
  ],
  ['GET /v1/version-gate', KNOWN],
  ['GET /v1/releases/head?platform=linux-x64', KNOWN],
  [`GET /v1/releases/${GOOD_COMMIT}/linux-x64.tar.zst`, KNOWN],
  ['HEAD /v1/events', READING],
  ['GET /readyz', FLEET_VIEWS],
  ['GET /metrics', READING],
  ['GET /v1/openapi.json', KNOWN],
  ['GET /healthz', CREDENTIALS],
  // Last, because it takes away what the others ask for.
  ['DELETE /v1/episodes/lab-1/e.tar.zst?reason=wrong+cable', ['admin']],
];
/** Their credential is another: test/system/est.test.ts. An upload's owner: test/system/uploads.test.ts. */
const ELSEWHERE = /^\w+ \/(?:\.well-known\/est|v1\/uploads)/;

/** What a client that is no proxy may say of itself, as often as it likes. */
const SPOOFED = {
  'X-Forwarded-For': '127.0.0.1',
  Forwarded: 'for=127.0.0.1;host=localhost;proto=https',
  'X-Forwarded-User': 'admin',
  'X-Client-Subject': 'CN=lab-1',
  'X-SSL-Client-Verify': 'SUCCESS',
  'Client-Cert': `:${Buffer.from('no certificate').toString('base64')}:`,
};

async function openPlace(t: TestContext) {
  const fleet = await TestFleet.create(
    temporaryDirectory(t),
    `[auth]\nfleet_token_sha256 = "${sha256(FLEET_TOKEN)}"\n`,
  );
  const created_at = '2026-01-01T00:00:00Z';
  const tokens = [
    { id: 't-own', role: 'host', host: 'lab-1', sha256: sha256('own'), created_at },
    { id: 't-other', role: 'host', host: 'lab-2', sha256: sha256('other'), created_at },
    { id: 't-reader', role: 'reader', sha256: sha256('reader'), created_at },
    { id: 't-admin', role: 'admin', sha256: sha256('admin'), created_at },
    { id: 't-expired', role: 'admin', sha256: sha256('expired'), created_at, expires_at: '2026-02-01T00:00:00Z' },
  ];
  writeFileSync(join(fleet.root, 'tokens.json'), JSON.stringify({ tokens }), { mode: 0o600 });
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  assert.equal((await put(fleet.port, '/v1/episodes/lab-1/e.tar.zst', 'stored', as('own'))).status, 201);
  return fleet;
}

function as(credential: Credential): Record<string, string> {
  if (credential === 'nobody') return {};
  return { Authorization: `Bearer ${credential === 'fleet' ? FLEET_TOKEN : credential}` };
}

async function statusOf(
  { port }: TestFleet,
  request: string,
  credential: Credential,
  options: SendOptions = {},
  more: Record<string, string> = {},
): Promise<number> {
  const [method = '', path = ''] = request.split(' ');
  const headers = { ...as(credential), ...more };
  if (request.startsWith('PUT /v1/episodes/')) return (await put(port, path, 'of somebody else', headers)).status;
  const json = options.body === undefined ? {} : { 'Content-Type': 'application/json' };
  return (await send(port, path, { method, ...options, headers: { ...json, ...headers } })).status;
}

/** Every file with its content; counts in databases apart. */
function contentOf(store: string): string[] {
  const names = readdirSync(store, { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => !/\.db(?:-\w+)?$/.test(name))
    .map((name) =>
      [name, statSync(join(store, name)).isFile() ? sha256(readFileSync(join(store, name))) : ''].join(' '),
    )
    .sort();
}

test('each credential on each path', async (t) => {
  const fleet = await openPlace(t);
  const before = contentOf(fleet.store);
  for (const [request, may, options] of RIGHTS) {
    for (const credential of CREDENTIALS) {
      if (may.includes(credential)) continue;
      const isKnown = KNOWN.includes(credential);
      for (const more of [{}, SPOOFED]) {
        const status = await statusOf(fleet, request, credential, options, more);
        assert.equal(status, isKnown ? 403 : 401, `${request} as ${credential} ${Object.keys(more)}`);
      }
    }
  }
  assert.deepEqual(contentOf(fleet.store), before, 'nothing is written');
  for (const [request, may, options] of RIGHTS) {
    for (const credential of may) {
      const status = await statusOf(fleet, request, credential, options);
      assert.ok(![401, 403, 500].includes(status), `${request} as ${credential}: ${status}`);
    }
  }
});

test('the table has every path of the contract', async (t) => {
  const fleet = await openPlace(t);
  const { json } = await send(fleet.port, '/v1/openapi.json', { headers: as('admin') });
  const inTable = RIGHTS.map(([request]) => request.replace(/\?.*/, ''));
  const missing = Object.entries(json['paths'] as Record<string, object>)
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
    .filter((operation) => !ELSEWHERE.test(operation))
    .filter((operation) => {
      const pattern = operation
        .replaceAll('.', '\\.')
        .replaceAll(/\{\w+\}/g, '[^/]+')
        .replace('GET /v1/events', '(?:GET|HEAD) /v1/events');
      return !inTable.some((request) => new RegExp(`^${pattern}$`).test(request));
    });
  assert.deepEqual(missing, []);
});

test('replayed: the same PUT is one row, and none after its token has gone or its episode was retracted', async (t) => {
  const fleet = await openPlace(t);
  const target = '/v1/episodes/lab-1/replayed.tar.zst';
  const again = () => put(fleet.port, target, 'once', as('own'));
  assert.equal((await again()).status, 201);
  const replays = await Promise.all(Array.from({ length: 8 }, again));
  assert.deepEqual([...new Set(replays.map(({ status }) => status))], [200]);
  const retracted = await send(fleet.port, `${target}?reason=wrong+cable`, { method: 'DELETE', headers: as('admin') });
  assert.equal(retracted.status, 200, retracted.text);
  assert.ok((await again()).status >= 400, 'it is never stored again');
  const revoked = Program.cis490(['token', 'revoke', 't-own', '--config', fleet.receiverConfig]);
  assert.equal((await revoked.ended).code, 0, revoked.stderr);
  assert.equal((await again()).status, 401);
  const rows = readRows(fleet.store).filter((row) => row.episode_id === 'replayed' && row.seq > 0 && row.sha256);
  assert.equal(rows.length, 1);
});
