// The gate over a real git repository, and over a forge, that move, break and come back while the receiver runs.

import assert from 'node:assert/strict';
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { TestFleet } from '../support/fleet.ts';
import { FORGE_FAULTS, TestForge } from '../support/forge.ts';
import { GitRepository } from '../support/git-repository.ts';
import { readRows } from '../support/nothing-lost.ts';
import { eventually, Program } from '../support/program.ts';
import { type Answer, put, send } from '../support/put.ts';
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

// The whole matrix, with a restart in each fault, is held beside create-version-gate.ts. These need no waiting for 10 s.
const QUICK_FAULTS = FORGE_FAULTS.filter((fault) => fault !== 'hangs' && fault !== 'trickles');

interface Blind {
  repository: GitRepository;
  /** A clone that has one commit more, where the receiver has a fallback. */
  localCommit: string;
  forge: TestForge;
  fleet: TestFleet;
  ship(commit: string): Promise<Answer>;
}

async function openForge(t: TestContext, withFallback: boolean): Promise<Blind> {
  const root = temporaryDirectory(t);
  const repository = new GitRepository(join(root, 'code'));
  repository.commitMany(60);
  const local = new GitRepository(join(root, 'local'));
  local.run('pull', '--quiet', repository.path, 'main');
  const localCommit = local.commit('known here alone');
  const forge = await TestForge.start(repository);
  t.after(() => forge.close());
  const fallback = withFallback ? `local_repo_path = "${local.path}"\n` : '';
  writeFileSync(join(root, 'forge-token'), 'forge-secret\n', { mode: 0o600 });
  const fleet = await TestFleet.create(
    root,
    `[version_gate]\nforgejo_url = "${forge.url}"\nrepo_owner = "lab"\nrepo_name = "recorder"\nauth_token_file = "forge-token"\nwindow = 55\n${fallback}`,
  );
  let count = 0;
  const ship = (commit: string) => {
    count += 1;
    return put(fleet.port, `/v1/episodes/lab-1/f${count}.tar.zst`, 'x', { 'X-Cis490-Code-Commit': commit });
  };
  return { repository, localCommit, forge, fleet, ship };
}

for (const withFallback of [false, true]) {
  test(`gate blind ${withFallback ? 'with' : 'without'} a fallback: nobody is refused for want of knowledge`, async (t) => {
    const { repository, localCommit, forge, fleet, ship } = await openForge(t, withFallback);
    const last = repository.run('rev-parse', 'main~54');
    const tooOld = repository.run('rev-parse', 'main~55');
    const lastSource = () => (readRows(fleet.store).at(-1)?.gate as { source?: string } | undefined)?.source;
    let receiver = await fleet.startReceiver();
    t.after(() => receiver.kill());

    for (const fault of QUICK_FAULTS) {
      assert.equal((await ship(last)).status, 201, fault);
      for (const commit of [tooOld, NEVER_SEEN, localCommit]) assert.equal((await ship(commit)).status, 412, fault);

      await forge.ail(fault);
      assert.equal((await ship(last)).status, 201, fault);
      assert.equal(lastSource(), 'forgejo', fault);
      for (const isRestarted of fault === 'error-500' ? [false, true] : [false]) {
        if (isRestarted) {
          await receiver.stop();
          receiver = await fleet.startReceiver();
        }
        const unknown = await ship(NEVER_SEEN);
        assert.deepEqual([unknown.status, unknown.json['code']], [503, 'gate-stale'], fault);
        assert.equal((await ship(last)).status, 201, fault);
        if (isRestarted) assert.equal(lastSource(), 'last-known-good', fault);
        assert.equal((await ship(localCommit)).status, withFallback ? 201 : 503, fault);
        if (withFallback) assert.equal(lastSource(), isRestarted ? 'last-known-good' : 'git-fallback', fault);
      }
      await receiver.printed(/WARNING version gate: the source failed/);
      if (withFallback) await receiver.printed(/WARNING version gate: .*source=git-fallback/);
      await forge.ail(undefined);
      assert.equal((await ship(NEVER_SEEN)).status, 412, fault);
      await receiver.printed(/INFO version gate: the source answers again/);
      assert.doesNotMatch(receiver.stderr, /forge-secret/);
    }
  });
}

test('a forge that hangs: answers come within the patience of a PUT, and stopping does not wait for it', async (t) => {
  const { repository, forge, fleet, ship } = await openForge(t, false);
  let receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const head = repository.run('rev-parse', 'main');
  assert.equal((await ship(head)).status, 201);
  await forge.ail('hangs');
  const answers = await Promise.all([...Array.from({ length: 20 }, () => ship(NEVER_SEEN)), ship(head)]);
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [503, 201]);
  assert.equal((await receiver.stop()).code, 0);
  receiver = await fleet.startReceiver();
  assert.equal((await ship(head)).status, 201);
  assert.equal((await ship(NEVER_SEEN)).json['code'], 'gate-stale');
});

test('a forge that never answered: everything is put off, until it does', async (t) => {
  const { repository, forge, fleet, ship } = await openForge(t, false);
  await forge.ail('error-500');
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const head = repository.run('rev-parse', 'main');
  // Which of the two depends on whether the tests run in a git checkout, whose commits are then known.
  assert.match(String((await ship(head)).json['code']), /^gate-(unknown|stale)$/);
  await forge.ail(undefined);
  assert.equal((await ship(head)).status, 201);
});

test('a branch that was force-pushed counts at once', async (t) => {
  const { repository, fleet, ship } = await openForge(t, true);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const old = repository.run('rev-parse', 'main');
  assert.equal((await ship(old)).status, 201);
  repository.run('reset', '--quiet', '--hard', 'main~3');
  const rewritten = repository.commit('another');
  assert.equal((await ship(rewritten)).status, 201);
  await receiver.printed(/WARNING version gate: the branch was rewritten/);
  assert.equal((await ship(old)).status, 412);
});

test('gate allow, block and unblock work at once, leave no file of root behind, and the row says so', async (t) => {
  const { repository, fleet, ship } = await openForge(t, false);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const gate = async (...args: string[]) => {
    const program = Program.cis490(['gate', ...args, '--config', fleet.receiverConfig]);
    const { code } = await program.ended;
    return { code, stdout: program.stdout, stderr: program.stderr };
  };
  const head = repository.run('rev-parse', 'main');
  assert.equal((await ship(NEVER_SEEN)).status, 412);
  assert.equal((await gate('allow', NEVER_SEEN, '--for', '2h', '--why', 'hotfix')).code, 0);
  assert.equal((await ship(NEVER_SEEN)).status, 201);
  assert.equal(readRows(fleet.store).at(-1)?.gate, 'override');

  // The receiver has written down what it knows: an abbreviation will do.
  await eventually(() => readFileSync(join(fleet.store, 'gate.json'), 'utf8').includes(head), 'gate.json has the head');
  const blocked = await gate('block', head.slice(0, 9), '--why', 'torn frames');
  assert.equal(blocked.stdout, `blocked ${head}\n`);
  assert.equal((await ship(head)).json['code'], 'commit-blocked');
  await gate('block', NEVER_SEEN, '--why', 'torn frames too');
  assert.equal((await ship(NEVER_SEEN)).json['code'], 'commit-blocked');

  const status = JSON.parse((await gate('status', '--json')).stdout);
  assert.deepEqual([status.enabled, status.head, status.window, status.source], [true, head, 55, 'forgejo']);
  assert.deepEqual(status.allowed, []);
  const live = await send(fleet.port, '/v1/version-gate');
  assert.deepEqual(live.json['blocked'], status.blocked);
  assert.match((await gate('status')).stdout, /^gate {7}on\nhead {7}[0-9a-f]{40}\n/);

  assert.equal((await gate('unblock', head)).code, 0);
  assert.equal((await ship(head)).status, 201);
  const owners = ['control.db', 'gate.json'].map((name) => statSync(join(fleet.store, name)).uid);
  assert.deepEqual(owners, Array(2).fill(statSync(fleet.store).uid));

  for (const [args, code] of [
    [['allow', NEVER_SEEN, '--for', 'ever', '--why', 'w'], 2],
    [['allow', 'main', '--for', '2h', '--why', 'w'], 2],
    [['allow', NEVER_SEEN, '--for', '2h'], 2],
    [['unblock', head], 1],
  ] as const) {
    const refused = await gate(...args);
    assert.equal(refused.code, code, refused.stderr);
    assert.match(refused.stderr, /\S/);
  }
});
