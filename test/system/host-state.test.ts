// What hosts say of themselves, and what is known of them: doctor reports, heartbeats, attempts, and the fleet made from all of it.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { sha256 } from '../support/episodes.ts';
import { GOOD_COMMIT, STALE_COMMIT, TestFleet } from '../support/fleet.ts';
import { eventually } from '../support/program.ts';
import { put, send } from '../support/put.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const OLDER_COMMIT = 'c'.repeat(40);
const GATE = `[version_gate]\ncommits = ["${GOOD_COMMIT}", "${OLDER_COMMIT}"]\n`;

interface HostInFleet {
  host_id: string;
  expected: boolean;
  last_seen_at: string | null;
  last_stored_at: string | null;
  episodes: number;
  bytes: number;
  episodes_24h: number;
  bytes_24h: number;
  outcomes: Record<string, number>;
  commit: string | null;
  head_distance: number | null;
  heartbeat: Record<string, unknown> | null;
  doctor: { status: string; received_at_wall: string } | null;
}

async function hostsOf(port: number, headers: Record<string, string> = {}): Promise<HostInFleet[]> {
  const answer = await send(port, '/v1/fleet', { headers });
  assert.equal(answer.status, 200, answer.text);
  return JSON.parse(answer.text).hosts;
}

function heartbeat(hostId: string, more: Record<string, unknown> = {}): string {
  return JSON.stringify({
    host_id: hostId,
    sent_at_wall: '2026-05-01T00:00:00.000000+00:00',
    machine: 'm-1',
    boot_id: 'b-1',
    ...more,
  });
}

describe('doctor reports', () => {
  test('are kept and given back as they were sent, the last one in place of the one before', async (t) => {
    const fleet = await TestFleet.create(temporaryDirectory(t));
    const receiver = await fleet.startReceiver();
    t.after(() => receiver.kill());
    const store = (hostId: string, body: string) =>
      send(fleet.port, `/v1/host-health/${hostId}`, { method: 'PUT', body });
    const report = '{ "status": "green",\n "checks": [1.0, "é", {"__proto__": null}] }';
    assert.equal((await store('lab-1', '{"status":"red"}')).status, 200);
    const stored = await store('lab-1', report);
    assert.equal(stored.json['host_id'], 'lab-1');
    assert.equal((await store('lab-2', '{}')).status, 200);

    const path = join(fleet.store, 'host-health/lab-1.json');
    assert.equal(readFileSync(path, 'utf8'), report, 'byte for byte');
    const one = await send(fleet.port, '/v1/host-health/lab-1');
    assert.ok(one.text.includes(report));
    assert.equal(one.json['received_at_wall'], stored.json['received_at_wall']);
    assert.equal(
      Date.parse(String(one.json['received_at_wall'])),
      Math.floor(statSync(path).mtimeMs),
      "the file's own time",
    );
    const all = (await send(fleet.port, '/v1/host-health')).json['hosts'] as Record<string, { report: unknown }>;
    assert.deepEqual(Object.keys(all), ['lab-1', 'lab-2']);
    assert.deepEqual(all['lab-1']?.report, JSON.parse(report));
    assert.equal((await send(fleet.port, '/v1/host-health/lab-3')).json['code'], 'not-found');
    assert.equal((await send(fleet.port, '/v1/host-health', { method: 'HEAD' })).text, '');
  });

  test('what is no JSON object, or too big, or no host, is refused and changes nothing', async (t) => {
    const fleet = await TestFleet.create(temporaryDirectory(t));
    const receiver = await fleet.startReceiver();
    t.after(() => receiver.kill());
    const store = (body: string | Uint8Array, hostId = 'lab-1', headers: Record<string, string> = {}) =>
      send(fleet.port, `/v1/host-health/${hostId}`, { method: 'PUT', body, headers });
    assert.equal((await store('{"good":true}')).status, 200);
    const filler = (length: number) => JSON.stringify({ filler: 'x'.repeat(length) });
    assert.equal((await store(filler(1024 * 1024 - 14))).status, 200, 'a megabyte fits');
    assert.equal((await store('{"good":true}')).status, 200);
    for (const [body, code] of [
      ['', 'bad-body'],
      ['[]', 'bad-body'],
      ['null', 'bad-body'],
      ['"text"', 'bad-body'],
      ['{"torn":', 'bad-body'],
      [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'bad-body'],
      [filler(1024 * 1024), 'too-large'],
    ] as const) {
      for (const headers of [{}, { 'Transfer-Encoding': 'chunked' }] as Record<string, string>[]) {
        const answer = await store(body, 'lab-1', headers);
        assert.equal(answer.json['code'], code, `${body.slice(0, 20)} ${JSON.stringify(headers)}`);
      }
    }
    assert.equal((await store('{}', '-x')).json['code'], 'bad-host-id');
    assert.equal(readFileSync(join(fleet.store, 'host-health/lab-1.json'), 'utf8'), '{"good":true}');
  });
});

describe('a bad file among the doctor reports', () => {
  test('is left out of the list, told of when asked for, and keeps no receiver from its fleet', async (t) => {
    const fleet = await TestFleet.create(temporaryDirectory(t));
    let receiver = await fleet.startReceiver();
    t.after(() => receiver.kill());
    const body = '{"status":"green"}';
    assert.equal((await send(fleet.port, '/v1/host-health/lab-1', { method: 'PUT', body })).status, 200);
    const place = (name: string) => join(fleet.store, 'host-health', name);
    writeFileSync(place('lab-0.json'), '{"status":"gre');
    writeFileSync(place('lab-2.json'), '');
    mkdirSync(place('lab-3.json'));
    writeFileSync(place('-.json'), '{}');
    const hosts = async () => Object.keys((await send(fleet.port, '/v1/host-health')).json['hosts'] ?? {});
    assert.deepEqual(await hosts(), ['lab-1']);
    for (const hostId of ['lab-0', 'lab-2', 'lab-3']) {
      const { status, json } = await send(fleet.port, `/v1/host-health/${hostId}`);
      assert.equal(status, 500);
      assert.match(String(json['detail']), new RegExp(`^host-health/${hostId}\\.json is no doctor report: it is no `));
    }
    await receiver.stop();
    receiver = await fleet.startReceiver();
    assert.deepEqual(await hosts(), ['lab-1']);
    const doctors = (await hostsOf(fleet.port)).map(({ host_id, doctor }) => [host_id, doctor?.status]);
    assert.deepEqual(doctors, [['lab-1', 'green']]);
    await receiver.printed(/WARNING host-health: left out what is no doctor report path=\S*lab-0\.json/);
  });
});

describe('heartbeats', () => {
  test('the last one of each boot of each machine is kept, over a restart too', async (t) => {
    const fleet = await TestFleet.create(temporaryDirectory(t), `[fleet]\nexpected_hosts = ["lab-9"]\n`);
    let receiver = await fleet.startReceiver();
    t.after(() => receiver.kill());
    const beat = (body: string) => send(fleet.port, '/v1/heartbeat', { method: 'POST', body });
    const first = await beat(heartbeat('lab-1', { free_bytes: 1 }));
    assert.equal(first.status, 204, first.text);
    assert.equal(first.text, '');
    await beat(heartbeat('lab-1', { free_bytes: 2, backlog: { episodes: 3, bytes: 4, oldest_s: 5 }, unheard_of: [1] }));
    await beat(heartbeat('lab-2', { held: { count: 1, code: 'forbidden' } }));
    const rows = () => {
      const database = new DatabaseSync(join(fleet.store, 'state.db'), { readOnly: true });
      const found = database.prepare('SELECT host_id, machine, boot_id FROM heartbeats ORDER BY 1').all();
      database.close();
      return found.map((row) => Object.values(row).join(' '));
    };
    assert.deepEqual(rows(), ['lab-1 m-1 b-1', 'lab-2 m-1 b-1']);
    const shown = async () => (await hostsOf(fleet.port)).find(({ host_id }) => host_id === 'lab-1')?.heartbeat;
    const before = await shown();
    assert.equal(before?.['free_bytes'], 2);
    assert.equal(before?.['unheard_of'], undefined, 'of what a host says, what is known here is shown');
    assert.match(String(before?.['received_at_wall']), /^\d{4}-/);
    await receiver.stop();
    receiver = await fleet.startReceiver();
    assert.deepEqual(await shown(), before);
    const expected = (await hostsOf(fleet.port)).find(({ host_id }) => host_id === 'lab-9');
    assert.deepEqual([expected?.expected, expected?.last_seen_at, expected?.heartbeat], [true, null, null]);
  });

  test('a malformed one is told what is wrong with it', async (t) => {
    const fleet = await TestFleet.create(temporaryDirectory(t));
    const receiver = await fleet.startReceiver();
    t.after(() => receiver.kill());
    for (const [body, code, detail] of [
      ['{}', 'bad-body', /host_id: is missing; sent_at_wall: is missing; machine: is missing; boot_id: is missing/],
      [heartbeat('../lab'), 'bad-body', /host_id: must be 1 to 64/],
      [heartbeat('lab-1', { backlog: 3 }), 'bad-body', /backlog: expected object/],
      [heartbeat('lab-1', { filler: 'x'.repeat(16 * 1024) }), 'too-large', /16384 bytes/],
    ] as const) {
      const answer = await send(fleet.port, '/v1/heartbeat', { method: 'POST', body });
      assert.equal(answer.json['code'], code);
      assert.match(String(answer.json['detail']), detail);
    }
    assert.deepEqual(await hostsOf(fleet.port), []);
  });

  test('a host on release bundles is told the autoupdate command, one from git the pull', async (t) => {
    const fleet = await TestFleet.create(temporaryDirectory(t));
    const receiver = await fleet.startReceiver();
    t.after(() => receiver.kill());
    for (const [hostId, source] of [
      ['lab-git', 'git'],
      ['lab-release', 'receiver'],
    ]) {
      const body = heartbeat(hostId ?? '', { update: { source } });
      assert.equal((await send(fleet.port, '/v1/heartbeat', { method: 'POST', body })).status, 204);
    }
    const cureOf = async (hostId: string) => {
      const answer = await put(fleet.port, `/v1/episodes/${hostId}/e.tar.zst`, 'x', {
        'X-Cis490-Code-Commit': STALE_COMMIT,
      });
      assert.equal(answer.status, 412);
      return String(answer.json['remediation']);
    };
    assert.match(await cureOf('lab-git'), /git pull/);
    assert.match(await cureOf('lab-new'), /git pull/);
    assert.match(await cureOf('lab-release'), /^sudo systemctl start cis490-autoupdate\.service\n/);
  });
});

describe('attempts and the fleet', () => {
  test('each answered attempt is counted by host and outcome, and is in state.db within a second', async (t) => {
    const fleet = await TestFleet.create(temporaryDirectory(t), GATE);
    let receiver = await fleet.startReceiver();
    t.after(() => receiver.kill());
    const episode = (hostId: string, id: string) => `/v1/episodes/${hostId}/${id}.tar.zst`;
    await put(fleet.port, episode('lab-1', 'a'), 'aa', { 'X-Cis490-Code-Commit': OLDER_COMMIT });
    await put(fleet.port, episode('lab-1', 'a'), 'aa');
    await put(fleet.port, episode('lab-1', 'a'), 'b');
    await put(fleet.port, episode('lab-1', 'c'), 'c', { 'X-Cis490-Code-Commit': '' });
    await put(fleet.port, episode('lab-1', 'c'), 'c', { 'X-Cis490-Code-Commit': '' });
    await put(fleet.port, episode('lab-2', 'c'), 'c', { 'X-Cis490-Code-Commit': STALE_COMMIT });
    await put(fleet.port, episode('lab-2', '-c'), 'c');
    await put(fleet.port, '/v1/episodes/-lab/c.tar.zst', 'c');
    await put(fleet.port, episode('lab-2', 'd'), 'd', { 'X-Content-SHA256': sha256('e') });

    const check = async () => {
      const [one, two, ...others] = await hostsOf(fleet.port);
      assert.deepEqual(others, []);
      assert.deepEqual(one?.outcomes, { stored: 1, duplicate: 1, conflict: 1, 'commit-missing': 2 });
      assert.deepEqual([one?.episodes, one?.bytes, one?.episodes_24h, one?.bytes_24h], [1, 2, 1, 2]);
      assert.deepEqual([one?.commit, one?.head_distance], [OLDER_COMMIT, 1]);
      assert.deepEqual(two?.outcomes, { 'commit-not-in-window': 1, 'bad-episode-id': 1, 'digest-mismatch': 1 });
      assert.deepEqual([two?.episodes, two?.last_stored_at, two?.commit], [0, null, null]);
      assert.ok((two?.last_seen_at ?? '') >= (one?.last_stored_at ?? '~'));
    };
    await check();
    const written = () => {
      const database = new DatabaseSync(join(fleet.store, 'state.db'), { readOnly: true });
      const [row] = database.prepare('SELECT sum(count) AS sum FROM attempts').all();
      database.close();
      return row?.['sum'];
    };
    await eventually(() => written() === 8, 'all counts are written');
    await receiver.stop();
    receiver = await fleet.startReceiver();
    await eventually(
      async () => Object.keys((await hostsOf(fleet.port))[0]?.outcomes ?? {}).length > 0,
      'they are read again',
    );
    const [one] = await hostsOf(fleet.port);
    assert.deepEqual(one?.outcomes, { stored: 1, duplicate: 1, conflict: 1, 'commit-missing': 2 });
    assert.deepEqual([one?.episodes, one?.bytes_24h], [1, 2]);
  });

  test('without a credential nobody gets a place in the views, and only a known host can be counted against', async (t) => {
    const token = 'the-token-of-the-whole-fleet';
    const fleet = await TestFleet.create(
      temporaryDirectory(t),
      `[auth]\nfleet_token_sha256 = "${sha256(token)}"\n[fleet]\nexpected_hosts = ["lab-9"]\n`,
    );
    const receiver = await fleet.startReceiver();
    t.after(() => receiver.kill());
    const bearer = { Authorization: `Bearer ${token}` };
    for (const hostId of ['made-up', 'lab-9', 'lab-1']) await put(fleet.port, `/v1/episodes/${hostId}/e.tar.zst`, 'x');
    await put(fleet.port, '/v1/episodes/lab-1/e.tar.zst', 'x', bearer);
    await put(fleet.port, '/v1/episodes/lab-1/f.tar.zst', 'x', { Authorization: 'Bearer wrong' });
    const known = (await hostsOf(fleet.port, bearer)).map(({ host_id, outcomes }) => [host_id, outcomes]);
    assert.deepEqual(known, [
      ['lab-1', { stored: 1, 'credential-invalid': 1 }],
      ['lab-9', { 'credential-missing': 1 }],
    ]);
    assert.equal((await send(fleet.port, '/v1/fleet/made-up', { headers: bearer })).json['code'], 'not-found');
    assert.equal((await send(fleet.port, '/v1/fleet/lab-9', { headers: bearer })).json['expected'], true);
  });

  test('a body that was cut off is no attempt, and has no line in the form of one', async (t) => {
    const fleet = await TestFleet.create(temporaryDirectory(t));
    const receiver = await fleet.startReceiver();
    t.after(() => receiver.kill());
    const { connect } = await import('node:net');
    const socket = connect(fleet.port, '127.0.0.1');
    socket.write(
      `PUT /v1/episodes/lab-1/cut.tar.zst HTTP/1.1\r\nHost: localhost\r\nX-Content-SHA256: ${sha256('x')}\r\nX-Cis490-Code-Commit: ${GOOD_COMMIT}\r\nContent-Length: 100\r\n\r\nten bytes.`,
      () => socket.resetAndDestroy(),
    );
    await receiver.printed(/INFO body was cut off; nothing of it is kept host=lab-1 episode=cut/);
    assert.doesNotMatch(receiver.stderr, /"PUT \/v1\/episodes\/lab-1\/cut/);
    assert.deepEqual(
      (await hostsOf(fleet.port)).map(({ outcomes }) => outcomes),
      [{}],
    );
  });
});

describe('readyz', () => {
  test('says why the receiver cannot store', async (t) => {
    const root = temporaryDirectory(t);
    const fleet = await TestFleet.create(
      root,
      `[store]\nroot = "${root}/store"\nmin_free = "1000 TiB"\n[version_gate]\nlocal_repo_path = "nowhere"\n`,
    );
    const receiver = await fleet.startReceiver();
    t.after(() => receiver.kill());
    const answer = await send(fleet.port, '/readyz');
    assert.equal(answer.status, 503);
    assert.equal(answer.json['code'], 'not-ready');
    assert.match(
      String(answer.json['detail']),
      /the store has \d+ bytes free and keeps \d+ in reserve; the gate has not learnt yet/,
    );
    assert.ok(Number(answer.headers['retry-after']) > 0);
    assert.equal((await send(fleet.port, '/healthz')).status, 200);
  });

  test('says so when it can', async (t) => {
    const fleet = await TestFleet.create(temporaryDirectory(t));
    const receiver = await fleet.startReceiver();
    t.after(() => receiver.kill());
    assert.deepEqual((await send(fleet.port, '/readyz')).json, { ready: true });
  });
});
