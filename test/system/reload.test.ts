// SIGHUP: configuration, tokens and certificates are read again; a bad file is told and changes nothing.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { sha256 } from '../support/episodes.ts';
import { GOOD_COMMIT, STALE_COMMIT, TestFleet } from '../support/fleet.ts';
import { GitRepository } from '../support/git-repository.ts';
import { eventually, Program } from '../support/program.ts';
import { put, send } from '../support/put.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const TOKEN = 'the-token-of-the-whole-fleet';

async function start(t: import('node:test').TestContext) {
  const root = temporaryDirectory(t);
  const fleet = await TestFleet.create(root);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  let reloads = 0;
  /** Writes the configuration, sends SIGHUP, and waits for what the receiver says of it. */
  const reload = async (toml: string, says = /configuration, tokens and certificates read again|not usable/) => {
    writeFileSync(fleet.receiverConfig, toml);
    receiver.signal('SIGHUP');
    reloads += 1;
    const count = () => receiver.stderr.split('\n').filter((line) => says.test(line)).length;
    await eventually(() => count() === reloads, 'the receiver has answered the signal');
  };
  const toml = (more: string, commits = [GOOD_COMMIT]) =>
    `[listen]\nport = ${fleet.port}\n[store]\nroot = "${fleet.store}"\n${more}\n[version_gate]\ncommits = ${JSON.stringify(commits)}\n`;
  return { fleet, receiver, reload, toml };
}

test('gate, limits, reserve, credential and hosts change without a restart or a lost connection', async (t) => {
  const { fleet, receiver, reload, toml } = await start(t);
  const episode = (id: string) => `/v1/episodes/lab-1/${id}.tar.zst`;
  assert.equal((await put(fleet.port, episode('a'), 'a', { 'X-Cis490-Code-Commit': STALE_COMMIT })).status, 412);
  await reload(toml('min_free = "1 MiB"\nmax_episode_bytes = "10 B"', [STALE_COMMIT]));
  assert.equal((await put(fleet.port, episode('a'), 'a', { 'X-Cis490-Code-Commit': STALE_COMMIT })).status, 201);
  assert.equal((await put(fleet.port, episode('b'), 'b')).status, 412);
  assert.equal(
    (await put(fleet.port, episode('c'), 'more than ten bytes', { 'X-Cis490-Code-Commit': STALE_COMMIT })).status,
    413,
  );
  await reload(toml('min_free = "1000 TiB"'));
  assert.equal((await put(fleet.port, episode('d'), 'd')).status, 507);
  assert.equal((await send(fleet.port, '/readyz')).status, 503);
  await reload(
    `${toml('min_free = "1 MiB"')}[auth]\nfleet_token_sha256 = "${sha256(TOKEN)}"\n[fleet]\nexpected_hosts = ["lab-7"]\n`,
  );
  assert.equal((await put(fleet.port, episode('e'), 'e')).status, 401);
  const bearer = { Authorization: `Bearer ${TOKEN}` };
  assert.equal((await put(fleet.port, episode('e'), 'e', bearer)).status, 201);
  assert.equal((await send(fleet.port, '/v1/fleet/lab-7', { headers: bearer })).status, 200);
  assert.equal(receiver.child.exitCode, null);
});

test('a bad configuration is told with all of its mistakes, and the old one stays in force', async (t) => {
  const { fleet, receiver, reload, toml } = await start(t);
  await reload(`${toml('min_free = "lots"')}window = 0\nwindoww = 3\n`);
  const [line] = await receiver.printed(/ERROR the new configuration is not usable; the old one stays in force.*/);
  for (const about of ['min_free', 'window', 'windoww']) assert.match(line, new RegExp(about));
  assert.equal((await put(fleet.port, '/v1/episodes/lab-1/a.tar.zst', 'a')).status, 201);
  await reload('[listen\n');
  await reload(`${toml('min_free = "1 MiB"')}[auth]\ntokens_file = "${fleet.receiverConfig}"\n`);
  assert.equal((await put(fleet.port, '/v1/episodes/lab-1/b.tar.zst', 'b')).status, 201, 'still without a credential');
});

test('what takes a restart is named', async (t) => {
  const { fleet, receiver, reload, toml } = await start(t);
  await reload(
    toml('min_free = "1 MiB"').replace(`port = ${fleet.port}`, 'port = 1').replace(fleet.store, `${fleet.store}-2`),
  );
  await receiver.printed(/WARNING this change takes effect at the next restart what="\[listen\] port"/);
  await receiver.printed(/WARNING this change takes effect at the next restart what="\[store\] root"/);
  assert.equal((await put(fleet.port, '/v1/episodes/lab-1/a.tar.zst', 'a')).status, 201);
});

test('many SIGHUPs at once end nothing', async (t) => {
  const root = temporaryDirectory(t);
  const fleet = await TestFleet.create(root);
  for (let round = 0; round < 3; round += 1) {
    const receiver = Program.cis490(['receiver', '--config', fleet.receiverConfig]);
    t.after(() => receiver.kill());
    await receiver.printed(/receiver is listening/);
    for (let times = 0; times < 20; times += 1) receiver.signal('SIGHUP');
    await receiver.printed(/configuration, tokens and certificates read again/);
    assert.deepEqual(await receiver.stop(), { code: 0, signal: null });
  }
});

test('a port that others reach is never opened by a reload', async (t) => {
  const root = temporaryDirectory(t);
  const fleet = await TestFleet.create(root);
  const toml = (host: string, more: string) =>
    `[listen]\nhost = "${host}"\nport = ${fleet.port}\n[store]\nroot = "${fleet.store}"\nmin_free = "1 MiB"\n[version_gate]\ncommits = ["${GOOD_COMMIT}"]\n${more}`;
  writeFileSync(fleet.receiverConfig, toml('0.0.0.0', `[auth]\nfleet_token_sha256 = "${sha256(TOKEN)}"\n`));
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  writeFileSync(fleet.receiverConfig, toml('127.0.0.1', ''));
  receiver.signal('SIGHUP');
  await receiver.printed(
    /not usable; the old one stays in force reason="it has no credential, and others reach 0\.0\.0\.0/,
  );
  assert.equal((await put(fleet.port, '/v1/episodes/lab-1/a.tar.zst', 'a')).status, 401);
});

test('a start that fails ends at once, whatever was begun before it', async (t) => {
  const root = temporaryDirectory(t);
  const repository = new GitRepository(`${root}/code`);
  repository.commit('one');
  const fleet = await TestFleet.create(root, `[version_gate]\nlocal_repo_path = "${repository.path}"\n`);
  const first = await fleet.startReceiver();
  t.after(() => first.kill());
  writeFileSync(
    `${root}/second.toml`,
    `[listen]\nport = ${fleet.port}\n[store]\nroot = "${root}/second"\n[version_gate]\nlocal_repo_path = "${repository.path}"\n`,
  );
  const second = Program.cis490(['receiver', '--config', `${root}/second.toml`]);
  t.after(() => second.kill());
  assert.deepEqual(await second.ended, { code: 1, signal: null });
  assert.match(second.stderr, /cannot listen on 127\.0\.0\.1/);
});
