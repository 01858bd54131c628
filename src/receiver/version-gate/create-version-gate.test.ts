// The whole gate over a forge and a checkout of its own, through each way that a forge can be of no use.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { FORGE_FAULTS, TestForge } from '../../../test/support/forge.ts';
import { GitRepository } from '../../../test/support/git-repository.ts';
import { makeDirectory, removeDirectory, temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { loadConfig } from '../../lib/config/load-config.ts';
import { receiverConfigDefinition } from '../receiver-config.ts';
import { createVersionGate } from './create-version-gate.ts';
import { recordingLogger, TestClock } from './gate.fixture.ts';
import type { VersionGate } from './version-gate.ts';

const NEVER_SEEN = 'e'.repeat(40);
const NO_OVERRIDES = { findGateOverrides: async () => [], listGateOverrides: async () => [] };

interface Place extends Repositories {
  root: string;
  forge: TestForge;
  clock: TestClock;
  log: string[];
  start(gate?: string, checkoutPath?: string): VersionGate;
}

interface Repositories {
  repository: GitRepository;
  /** A checkout of it. */
  local: GitRepository;
}

function makeRepositories(root: string): Repositories {
  const repository = new GitRepository(join(root, 'code'));
  repository.commitMany(60);
  const local = new GitRepository(join(root, 'local'));
  local.run('pull', '--quiet', repository.path, 'main');
  // What git-clone leaves in a checkout of the recorder.
  local.run('config', 'remote.origin.url', 'https://forge.example.org/lab/recorder.git');
  // What git-clone leaves in a checkout of the recorder.
  local.run('config', 'remote.origin.url', 'https://forge.example.org/lab/recorder.git');
  return { repository, local };
}

async function open(t: TestContext, repositories?: Repositories): Promise<Place> {
  const root = temporaryDirectory(t);
  const { repository, local } = repositories ?? makeRepositories(root);
  const forge = await TestForge.start(repository);
  t.after(() => forge.close());
  const clock = new TestClock();
  const { logger, log } = recordingLogger(clock);
  const start = (gate = forgeKeys(forge), checkoutPath?: string) => {
    const file = join(root, 'receiver.toml');
    writeFileSync(file, `[store]\nroot = "${root}"\n[version_gate]\n${gate}`);
    const { config } = loadConfig(receiverConfigDefinition, file);
    const made = createVersionGate({
      config: config.version_gate,
      storeRoot: root,
      checkoutPath,
      control: NO_OVERRIDES,
      clock,
      logger,
    });
    t.after(() => made.close());
    return made;
  };
  return { root, repository, local, forge, clock, log, start };
}

/** The verdict in a word: who vouched, or the code. `givesUp`: nothing will come, so 2 s go by. */
async function ask(gate: VersionGate, commit: string, givesUp?: TestClock): Promise<string> {
  const judged = gate.judge({ commit, dirty: false });
  if (givesUp) {
    await nextTurn();
    givesUp.advance(2_000);
  }
  const verdict = await judged;
  if (verdict.kind !== 'accepted') return verdict.code;
  return typeof verdict.decision === 'string' ? verdict.decision : verdict.decision.source;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await nextTurn();
}

const sharedRoot = makeDirectory();
let shared: Repositories;
before(() => {
  shared = makeRepositories(sharedRoot);
});
after(() => removeDirectory(sharedRoot));

for (const fault of FORGE_FAULTS) {
  for (const standIn of ['nothing', 'local_repo_path', 'the install root'] as const) {
    test(`gate blind: ${fault}, with ${standIn} to fall back to`, async (t) => {
      const { repository, local, forge, clock, log, start } = await open(t, shared);
      const head = repository.run('rev-parse', 'main');
      const last = repository.run('rev-parse', 'main~54');
      const hanging = fault === 'hangs' || fault === 'trickles' ? clock : undefined;
      const hasFallback = standIn !== 'nothing';
      const startAgain = () =>
        start(
          `${forgeKeys(forge)}${standIn === 'local_repo_path' ? `local_repo_path = "${local.path}"\n` : ''}`,
          standIn === 'the install root' ? local.path : undefined,
        );
      local.run('reset', '--quiet', '--hard', head);
      let gate = startAgain();
      const localCommit = local.commit('known here alone');
      const well = async () => {
        assert.equal(await ask(gate, NEVER_SEEN), 'commit-not-in-window');
        assert.equal(await ask(gate, localCommit), 'commit-not-in-window');
        assert.equal(await ask(gate, last), 'forgejo');
        assert.equal((await gate.status()).source, 'forgejo');
      };
      await well();

      await forge.ail(fault);
      assert.equal(await ask(gate, NEVER_SEEN, hanging), 'gate-stale');
      hanging?.advance(10_000);
      await until(async () => (await gate.status()).lastError !== null);
      assert.equal(await ask(gate, last), 'forgejo');
      // Pushed to the checkout a moment ago, during the outage.
      const fresh = local.commit('fresh');
      assert.equal(
        await ask(gate, fresh, hasFallback ? undefined : hanging),
        hasFallback ? 'git-fallback' : 'gate-stale',
      );
      assert.equal(gate.head(), head);
      assert.equal((await gate.status()).source, hasFallback ? 'git-fallback' : 'last-known-good');
      const standsIn = log.filter((line) => line.startsWith('WARNING') && line.endsWith('source=git-fallback'));
      assert.equal(standsIn.length, hasFallback ? 1 : 0);

      await gate.close();
      gate = startAgain();
      assert.equal(await ask(gate, last), 'last-known-good');
      assert.equal(await ask(gate, NEVER_SEEN, hanging), 'gate-stale');
      assert.equal(
        await ask(gate, fresh, hasFallback ? undefined : hanging),
        hasFallback ? 'last-known-good' : 'gate-stale',
      );
      assert.equal(gate.head(), head);
      assert.equal(gate.distanceOf(last), 54);

      await forge.ail(undefined);
      hanging?.advance(10_000);
      await well();
    });
  }
}

test('a forge that moved and a checkout that did not: the forge’s word counts alone', async (t) => {
  const { repository, local, clock, log, forge, start } = await open(t);
  const gate = start(`${forgeKeys(forge)}local_repo_path = "${local.path}"\n`);
  const old = repository.run('rev-parse', 'main');
  assert.equal(await ask(gate, old), 'forgejo');
  repository.run('reset', '--quiet', '--hard', 'main~3');
  const rewritten = repository.commit('another');
  assert.equal(await ask(gate, rewritten), 'forgejo');
  assert.equal(await ask(gate, old), 'commit-not-in-window');
  assert.deepEqual(log, ['WARNING version gate: the branch was rewritten; the new window counts at once']);
  assert.equal(clock.monotonicMs(), 0);
});

test('gate.json of another branch is left aside with a warning, and written anew', async (t) => {
  const { root, repository, log, forge, start } = await open(t);
  const first = start();
  assert.equal(await ask(first, repository.run('rev-parse', 'main')), 'forgejo');
  await first.close();
  repository.run('branch', 'next', 'main~5');
  await forge.ail('error-500');
  const second = start(`${forgeKeys(forge)}branch = "next"\n`);
  assert.equal(await ask(second, repository.run('rev-parse', 'next')), 'gate-unknown');
  assert.equal(second.isKnown(), false);
  assert.ok(log.includes('WARNING version gate: what an earlier run has learned is not used'));
  await second.close();
  const kept = JSON.parse(readFileSync(join(root, 'gate.json'), 'utf8'));
  assert.deepEqual([kept.branch, kept.commits], ['next', []]);
  assert.match(kept.last_error, /answered 500/);
});

test('a local repository alone is the primary source, and is remembered', async (t) => {
  const { root, local, start } = await open(t);
  const keys = `local_repo_path = "${local.path}"\nwindow = 3\n`;
  const first = start(keys);
  const head = local.run('rev-parse', 'main');
  assert.equal(await ask(first, head), 'git');
  assert.equal(await ask(first, local.run('rev-parse', 'main~3')), 'commit-not-in-window');
  await first.close();
  assert.equal(JSON.parse(readFileSync(join(root, 'gate.json'), 'utf8')).repository, local.path);
  const second = start(keys);
  assert.equal(second.head(), head);
});

test('a list from the configuration needs no file', async (t) => {
  const { root, start } = await open(t);
  const gate = start(`commits = ["${NEVER_SEEN}"]\n`);
  assert.equal(await ask(gate, NEVER_SEEN), 'static');
  assert.equal(await ask(gate, 'f'.repeat(40)), 'commit-not-in-window');
  await gate.close();
  assert.equal(existsSync(join(root, 'gate.json')), false);
});

test('a checkout at the install root that is of another repository vouches for nothing', async (t) => {
  const { local, forge, clock, start } = await open(t);
  local.run('config', 'remote.origin.url', 'https://forge.example.org/others/recorder.git');
  await forge.ail('error-500');
  const gate = start(forgeKeys(forge), local.path);
  await until(async () => /fallback/.test((await gate.status()).lastError ?? ''));
  assert.equal(await ask(gate, local.commit('fresh'), clock), 'gate-unknown');
  assert.equal(gate.head(), null);
  assert.match((await gate.status()).lastError ?? '', /the fallback too: .*none of its remotes is lab\/recorder/);
  for (const url of ['git@forge.example.org:lab/recorder', 'ssh://git@forge/lab/recorder.git/']) {
    local.run('config', 'remote.origin.url', url);
    assert.equal(await ask(gate, local.commit('fresher')), 'git-fallback', url);
  }
});

function forgeKeys({ url }: TestForge): string {
  return `forgejo_url = "${url}"\nrepo_owner = "lab"\nrepo_name = "recorder"\nwindow = 55\n`;
}
