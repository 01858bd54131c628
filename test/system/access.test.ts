import { once } from 'node:events';
import { request } from 'node:http';
// Who may reach the receiver: the fleet token, tokens of every role, and the loopback rule where no credential is configured.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { publishEpisode, sha256 } from '../support/episodes.ts';
import { GOOD_COMMIT, TestFleet } from '../support/fleet.ts';
import { namesIn, readRows } from '../support/nothing-lost.ts';
import { eventually, Program } from '../support/program.ts';
import { put, send } from '../support/put.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const TOKEN = 'the-token-of-the-whole-fleet';
const TARGET = '/v1/episodes/lab-1/e.tar.zst';

test('with a fleet token everything but healthz asks for it', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t), `[auth]\nfleet_token_sha256 = "${sha256(TOKEN)}"\n`);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const bearer = { Authorization: `Bearer ${TOKEN}` };

  const without = await put(fleet.port, TARGET, 'x');
  assert.equal(without.status, 401);
  assert.equal(without.json['code'], 'credential-missing');
  assert.match(String(without.headers['www-authenticate']), /^Bearer/);
  // The credential comes before everything else, so that nobody learns from outside which ids or commits are good.
  assert.equal((await put(fleet.port, '/v1/episodes/-/-', 'x')).status, 401);
  for (const authorization of ['Bearer wrong', `Basic ${TOKEN}`, `Bearer ${TOKEN}x`, 'Bearer']) {
    const answer = await put(fleet.port, TARGET, 'x', { Authorization: authorization });
    assert.equal(answer.status, 401, authorization);
  }
  for (const [method, path] of [
    ['POST', '/v1/ping'],
    ['GET', TARGET],
    ['GET', '/v1/nothing'],
  ] as const) {
    assert.equal((await send(fleet.port, path, { method })).status, 401, `${method} ${path}`);
  }
  assert.equal((await send(fleet.port, '/healthz')).status, 200);

  assert.equal((await put(fleet.port, TARGET, 'x', bearer)).status, 201);
  assert.equal((await send(fleet.port, '/v1/ping', { method: 'POST', headers: bearer })).status, 200);
  // The fleet token writes; the data set is for readers.
  assert.equal((await send(fleet.port, TARGET, { method: 'HEAD', headers: bearer })).status, 200);
  const read = await send(fleet.port, TARGET, { headers: bearer });
  assert.equal(read.status, 403);
  assert.equal(read.json['code'], 'forbidden');
  assert.doesNotMatch(receiver.stderr, new RegExp(TOKEN));
  assert.equal(readRows(fleet.store).length, 1);
});

async function cis490(...args: string[]): Promise<Program> {
  const program = Program.cis490(args);
  assert.equal((await program.ended).code, 0, program.stderr);
  return program;
}

async function createToken(fleet: TestFleet, ...options: string[]): Promise<Record<string, string>> {
  const { stdout } = await cis490('token', 'create', '--config', fleet.receiverConfig, ...options);
  return { Authorization: `Bearer ${stdout.trim()}` };
}

test('tokens of each role do what it may, and nothing else', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t), `[auth]\nfleet_token_sha256 = "${sha256(TOKEN)}"\n`);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  // Made while it runs: each counts at once.
  const [one, two, reader, fleetWide, admin] = [
    await createToken(fleet, '--role', 'host', '--host', 'lab-1', '--expires', '90d'),
    await createToken(fleet, '--role', 'host', '--host', 'lab-2'),
    await createToken(fleet, '--role', 'reader'),
    await createToken(fleet, '--role', 'fleet'),
    await createToken(fleet, '--role', 'admin'),
  ];
  const [TARGET_2, TARGET_3] = ['/v1/episodes/lab-2/e.tar.zst', '/v1/episodes/lab-3/e.tar.zst'];
  const unknown = { Authorization: `Bearer cis490_${'A'.repeat(43)}` };
  for (const [who, headers, path, status] of [
    ['unknown', unknown, TARGET, 401],
    ['another host', two, TARGET, 403],
    ['a host', one, TARGET_2, 403],
    ['a reader', reader, TARGET, 403],
  ] as const) {
    assert.equal((await put(fleet.port, path, 'x', headers)).status, status, who);
  }
  assert.deepEqual([readRows(fleet.store).length, namesIn(join(fleet.store, 'episodes'))], [0, []]);
  assert.equal((await put(fleet.port, TARGET, 'x', one)).status, 201);
  assert.equal((await put(fleet.port, TARGET_2, 'x', fleetWide)).status, 201);
  assert.equal((await put(fleet.port, TARGET_3, 'x', admin)).status, 201);

  const looks = { one, two, fleetWide, reader, admin };
  const statuses = async (method: string) =>
    await Promise.all(
      Object.values(looks).map(async (headers) => (await send(fleet.port, TARGET, { method, headers })).status),
    );
  assert.deepEqual(await statuses('HEAD'), [200, 403, 200, 200, 200]);
  assert.deepEqual(await statuses('GET'), [403, 403, 403, 200, 200]);
  const log = receiver.stdout + receiver.stderr;
  for (const { Authorization = '' } of Object.values(looks)) assert.ok(!log.includes(Authorization.slice(7)));
});

test('a token that expires or is revoked counts no more at the next request', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t), `[auth]\nfleet_token_sha256 = "${sha256(TOKEN)}"\n`);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const headers = await createToken(fleet, '--role', 'host', '--host', 'lab-1');
  assert.equal((await put(fleet.port, TARGET, 'x', headers)).status, 201);
  const { stdout } = await cis490('token', 'list', '--json', '--config', fleet.receiverConfig);
  const [{ id, state }] = JSON.parse(stdout).tokens;
  assert.equal(state, 'active');
  await cis490('token', 'revoke', id, '--config', fleet.receiverConfig);
  const revoked = await put(fleet.port, '/v1/episodes/lab-1/f.tar.zst', 'x', headers);
  assert.deepEqual([revoked.status, revoked.json['code']], [401, 'credential-invalid']);
  assert.match(String(revoked.json['detail']), new RegExp(`${id} was revoked`));

  const path = join(fleet.root, 'tokens.json');
  const { tokens } = JSON.parse(readFileSync(path, 'utf8'));
  const old = { id: 't-old', role: 'admin', sha256: sha256('old'), created_at: '2026-01-01T00:00:00Z' };
  writeFileSync(path, JSON.stringify({ tokens: [...tokens, { ...old, expires_at: '2026-02-01T00:00:00Z' }] }));
  const expired = await put(fleet.port, '/v1/episodes/lab-1/f.tar.zst', 'x', { Authorization: 'Bearer old' });
  assert.equal(expired.status, 401);
  assert.match(String(expired.json['detail']), /t-old expired at 2026-02-01/);
  assert.equal(readRows(fleet.store).length, 1);
});

test('the first token closes the door at a reload', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const made = await cis490('token', 'create', '--role', 'admin', '--config', fleet.receiverConfig);
  assert.match(made.stderr, /first credential.*systemctl reload cis490-receiver/);
  assert.equal((await put(fleet.port, TARGET, 'x')).status, 201);
  receiver.signal('SIGHUP');
  await receiver.printed(/configuration, tokens and certificates read again/);
  assert.equal((await put(fleet.port, '/v1/episodes/lab-1/f.tar.zst', 'x')).status, 401);
  const headers = { Authorization: `Bearer ${made.stdout.trim()}` };
  assert.equal((await put(fleet.port, '/v1/episodes/lab-1/f.tar.zst', 'x', headers)).status, 201);
});

test('the shipper sends the token, and holds the queue when it is refused', async (t) => {
  const root = temporaryDirectory(t);
  const fleet = await TestFleet.create(root, `[auth]\nfleet_token_sha256 = "${sha256(TOKEN)}"\n`);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const host = fleet.addHost('lab-1');
  for (const episodeId of ['a', 'b', 'c'])
    publishEpisode(host.data, 'lab-1', { episodeId, commit: GOOD_COMMIT, files: {} });

  const refused = await fleet.shipOnce(host);
  assert.equal(refused.code, 1);
  assert.match(refused.log, /ERROR shipping is held.* code=credential-missing status=401 .*cure=".*bearer_token_file/);
  assert.equal(refused.log.match(/shipping is held/g)?.length, 1);
  assert.deepEqual(namesIn(join(host.data, 'quarantine')), []);
  assert.equal(namesIn(join(host.data, 'episodes')).length, 3);

  writeFileSync(join(root, 'token'), `${TOKEN}\n`, { mode: 0o600 });
  const config = join(root, 'with-token.toml');
  writeFileSync(
    config,
    `host_id = "lab-1"\n[paths]\ndata_dir = "${host.data}"\n[receiver]\nurl = "${fleet.url}"\nbearer_token_file = "token"\n`,
  );
  const shipped = await fleet.shipOnce({ ...host, config });
  assert.equal(shipped.code, 0, shipped.log);
  assert.deepEqual(namesIn(join(host.data, 'shipped')).sort(), ['a', 'b', 'c']);
});

test('without a credential only this machine is served, and no proxy or web page', async (t) => {
  const root = temporaryDirectory(t);
  const fleet = await TestFleet.create(root);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const refusals: Record<string, string>[] = [
    { Forwarded: 'for=192.0.2.1' },
    { 'X-Forwarded-For': '192.0.2.1' },
    { 'X-Forwarded-Proto': 'https' },
    { Via: '1.1 proxy' },
    { Host: 'receiver.example' },
    { Host: '127.0.0.1.example' },
    { Origin: 'https://evil.example' },
    { Origin: 'null' },
    { 'Sec-Fetch-Site': 'cross-site' },
  ];
  for (const headers of refusals) {
    const answer = await put(fleet.port, TARGET, 'x', headers);
    assert.equal(answer.status, 403, JSON.stringify(headers));
    assert.equal(answer.json['code'], 'forbidden');
  }
  assert.equal(readRows(fleet.store).length, 0);
  for (const host of [`localhost:${fleet.port}`, `127.0.0.1:${fleet.port}`, '127.0.0.2', '[::1]:80']) {
    assert.equal((await send(fleet.port, '/v1/ping', { method: 'POST', headers: { Host: host } })).status, 200, host);
  }
});

test('without a credential it does not start on an address that others reach', async (t) => {
  const root = temporaryDirectory(t);
  const config = join(root, 'receiver.toml');
  for (const host of ['0.0.0.0', '192.0.2.1', '::']) {
    writeFileSync(
      config,
      `[listen]\nhost = "${host}"\nport = 0\n[store]\nroot = "${root}/store"\n[version_gate]\nenabled = false\n`,
    );
    const receiver = Program.cis490(['receiver', '--config', config]);
    assert.equal((await receiver.ended).code, 2, host);
    const mistake =
      /receiver\.toml:2: \[listen\] host: found ".*", which others reach, while no credential is configured; .*fleet_token_sha256/;
    assert.match(receiver.stderr, mistake);
    const check = Program.cis490(['config', 'check', config]);
    assert.equal((await check.ended).code, 2, host);
    assert.match(check.stdout, mistake);
  }
});

test('a follower of the index is heard no more once its token is revoked', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t), `[auth]\nfleet_token_sha256 = "${sha256(TOKEN)}"\n`);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const created = Program.cis490(['token', 'create', '--role', 'reader', '--config', fleet.receiverConfig]);
  await created.ended;
  const reader = created.stdout.trim();
  const id = /t-[0-9a-f]+/.exec(created.stderr)?.[0] ?? '';
  assert.ok(id, created.stderr);
  const bearer = { Authorization: `Bearer ${TOKEN}` };
  await put(fleet.port, '/v1/episodes/lab-1/a.tar.zst', 'a', bearer);
  const outgoing = request({
    host: '127.0.0.1',
    port: fleet.port,
    path: '/v1/index?follow=1',
    headers: { Authorization: `Bearer ${reader}` },
    agent: false,
  }).end();
  const [response] = await once(outgoing, 'response');
  const heard: string[] = [];
  const ended = (async () => {
    for await (const line of createInterface({ input: response })) heard.push(JSON.parse(line).episode_id);
  })();
  await eventually(() => heard.length === 1, 'the first row is heard');
  assert.equal((await Program.cis490(['token', 'revoke', id, '--config', fleet.receiverConfig]).ended).code, 0);
  await put(fleet.port, '/v1/episodes/lab-1/b.tar.zst', 'b', bearer);
  await ended;
  assert.deepEqual(heard, ['a']);
});
