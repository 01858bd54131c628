// The gate over a real git repository that moves, breaks and comes back while the receiver runs.

import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { TestFleet } from '../support/fleet.ts';
import { GitRepository } from '../support/git-repository.ts';
import { readRows } from '../support/nothing-lost.ts';
import { put } from '../support/put.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const NEVER_SEEN = 'e'.repeat(40);

test('the window follows the branch, and 412 is said on fresh knowledge alone', async (t) => {
  const root = temporaryDirectory(t);
  const repository = new GitRepository(join(root, 'code'));
  const commits = ['one', 'two', 'three', 'four'].map((message) => repository.commit(message));
  const fleet = await TestFleet.create(root, `[version_gate]\nlocal_repo_path = "${repository.path}"\nwindow = 3\n`);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  let count = 0;
  const ship = (commit: string) => {
    count += 1;
    return put(fleet.port, `/v1/episodes/lab-1/e${count}.tar.zst`, 'x', { 'X-Cis490-Code-Commit': commit });
  };

  for (const commit of commits.slice(1)) assert.equal((await ship(commit)).status, 201);
  const [first = ''] = commits;
  const tooOld = await ship(first);
  assert.equal(tooOld.json['code'], 'commit-not-in-window');
  assert.equal(tooOld.json['head_distance'], 3);
  assert.equal(tooOld.json['head_commit'], commits[3]);
  const unknown = await ship(NEVER_SEEN);
  assert.equal(unknown.json['code'], 'commit-not-in-window');
  assert.equal('head_distance' in unknown.json, false);

  // Pushed a moment ago, right after the branch was read: it ships now.
  const fresh = repository.commit('five');
  assert.equal((await ship(fresh)).status, 201);
  assert.deepEqual(readRows(fleet.store).at(-1)?.gate, { head: fresh, source: 'git' });

  // A branch that was rewritten counts at once.
  repository.run('reset', '--quiet', '--hard', first);
  const rewritten = repository.commit('another five');
  assert.equal((await ship(rewritten)).status, 201);
  await receiver.printed(/WARNING version gate: the branch was rewritten/);
  assert.equal((await ship(fresh)).status, 412);

  // Blind: what is known still passes, the rest is put off, and nobody is refused.
  renameSync(repository.path, `${repository.path}.away`);
  assert.equal((await ship(rewritten)).status, 201);
  const blind = await ship(NEVER_SEEN);
  assert.equal(blind.status, 503);
  assert.equal(blind.json['code'], 'gate-stale');
  assert.equal(blind.headers['retry-after'], '5');
  assert.equal('remediation' in blind.json, false);
  await receiver.printed(/WARNING version gate: the source failed/);
  assert.equal(
    (await put(fleet.port, '/v1/episodes/lab-1/u.tar.zst', 'x', { 'X-Cis490-Code-Commit': '' })).status,
    400,
  );
  renameSync(`${repository.path}.away`, repository.path);
  assert.equal((await ship(NEVER_SEEN)).status, 412);
  await receiver.printed(/INFO version gate: the source answers again/);
});

test('a receiver that never learnt the branch puts everything off', async (t) => {
  const root = temporaryDirectory(t);
  const fleet = await TestFleet.create(root, `[version_gate]\nlocal_repo_path = "${root}/nowhere"\n`);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const answer = await put(fleet.port, '/v1/episodes/lab-1/e.tar.zst', 'x', { 'X-Cis490-Code-Commit': NEVER_SEEN });
  assert.equal(answer.status, 503);
  assert.equal(answer.json['code'], 'gate-unknown');
  await receiver.printed(/WARNING version gate: the source failed.*nowhere/);

  // The repository appears: no restart is needed.
  const commit = new GitRepository(join(root, 'nowhere')).commit('one');
  assert.equal(
    (await put(fleet.port, '/v1/episodes/lab-1/e.tar.zst', 'x', { 'X-Cis490-Code-Commit': commit })).status,
    201,
  );
});

test('many unknown commits at once cost a few readings of the branch, not one each', async (t) => {
  const root = temporaryDirectory(t);
  const repository = new GitRepository(join(root, 'code'));
  const head = repository.commit('one');
  const fleet = await TestFleet.create(root, `[version_gate]\nlocal_repo_path = "${repository.path}"\n`);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const answers = await Promise.all(
    Array.from({ length: 60 }, (_, index) =>
      put(fleet.port, `/v1/episodes/lab-1/e${index}.tar.zst`, 'x', {
        'X-Cis490-Code-Commit': index % 2 ? head : NEVER_SEEN,
      }),
    ),
  );
  assert.deepEqual([...new Set(answers.map(({ status }, index) => `${index % 2}:${status}`))].sort(), [
    '0:412',
    '1:201',
  ]);
});

test('enabled = false takes all, says so at its start, and still records the commit', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t), '[version_gate]\nenabled = false\n');
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  await receiver.printed(/WARNING version gate is off/);
  assert.equal(
    (await put(fleet.port, '/v1/episodes/lab-1/a.tar.zst', 'x', { 'X-Cis490-Code-Commit': NEVER_SEEN })).status,
    201,
  );
  assert.equal(
    (await put(fleet.port, '/v1/episodes/lab-1/b.tar.zst', 'x', { 'X-Cis490-Code-Commit': '' })).status,
    201,
  );
  assert.deepEqual(
    readRows(fleet.store).map(({ commit, gate }) => [commit, gate]),
    [
      [NEVER_SEEN, 'disabled'],
      [null, 'disabled'],
    ],
  );
});
