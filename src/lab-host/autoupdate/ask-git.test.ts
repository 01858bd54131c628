import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { GitRepository } from '../../../test/support/git-repository.ts';
import { hasSystemPart } from '../../../test/support/system-part.ts';
import { makeDirectory } from '../../../test/support/temporary-directory.ts';
import { type Behaviour, OLD, PLATFORM, releaseFiles, UpdateBench } from './autoupdate.fixture.ts';
import { faultOfTree } from './verify-tree.ts';

const LOCK = '{"lockfileVersion":3}\n';

async function fromGit(
  t: TestContext,
  more = '',
): Promise<{ bench: UpdateBench; repository: GitRepository } | undefined> {
  if (!hasSystemPart(t, ['git', '--version'], 'git')) return undefined;
  const repository = new GitRepository(join(makeDirectory(), 'repository'));
  const bench = await UpdateBench.create(t, `source = "git"\nremote = "${repository.path}"\n${more}`);
  return { bench, repository };
}

function commitRelease(repository: GitRepository, behaviour: Behaviour = {}): string {
  for (const [path, file] of Object.entries(releaseFiles('b'.repeat(40), behaviour))) {
    const target = join(repository.path, path);
    mkdirSync(dirname(target), { recursive: true });
    rmSync(target, { force: true });
    if (typeof file !== 'string' && 'link' in file) symlinkSync(file.link, target);
    else if (typeof file === 'string') writeFileSync(target, file);
    else writeFileSync(target, file.content, { mode: file.mode === '755' ? 0o755 : 0o644 });
  }
  repository.run('add', '--all');
  return repository.commit('release');
}

test('the head of the branch is installed, whole; the next run has nothing to do', async (t) => {
  const on = await fromGit(t);
  if (!on) return;
  const { bench, repository } = on;
  const commit = commitRelease(repository);
  assert.equal((await bench.run()).report.result, 'updated', bench.log.join('\n'));
  assert.equal(bench.current, commit);
  const tree = join(bench.base, 'releases', commit);
  assert.equal(await faultOfTree(tree, { commit, platform: PLATFORM }), undefined);
  assert.equal(statSync(join(tree, 'bin/cis490')).mode & 0o777, 0o755);
  assert.deepEqual([bench.state.last?.source, bench.state.highest_release_number], ['git', undefined]);
  assert.equal((await bench.run()).report.result, 'current');
});

test('dependencies are those of the release that runs where the lock file is the same, and stay when that goes', async (t) => {
  const on = await fromGit(t);
  if (!on) return;
  const { bench, repository } = on;
  const old = join(bench.base, 'releases', OLD);
  mkdirSync(join(old, 'node_modules/zod/.cache'), { recursive: true });
  mkdirSync(join(old, 'node_modules/.cache'));
  writeFileSync(join(old, 'node_modules/.cache/x'), 'x');
  writeFileSync(join(old, 'node_modules/zod/index.js'), 'zod');
  writeFileSync(join(old, 'package-lock.json'), LOCK);
  const commit = commitRelease(repository, { more: { 'package-lock.json': LOCK } });
  assert.equal((await bench.run()).report.result, 'updated', bench.log.join('\n'));
  rmSync(old, { recursive: true });
  const modules = join(bench.base, 'releases', commit, 'node_modules');
  assert.equal(readFileSync(join(modules, 'zod/index.js'), 'utf8'), 'zod');
  assert.throws(() => statSync(join(modules, '.cache')));
});

for (const [what, npm, why] of [
  [
    'npm installs what another lock file names',
    '#!/bin/sh\nfor last; do :; done\nmkdir -p "$last/node_modules"; echo new >"$last/node_modules/x"\n',
    undefined,
  ],
  ['npm fails', '#!/bin/sh\necho "npm error no network" >&2; exit 1\n', /npm ci failed: npm error no network/],
] as const) {
  test(what, async (t) => {
    const on = await fromGit(t);
    if (!on) return;
    const { bench, repository } = on;
    const commit = commitRelease(repository, { more: { 'package-lock.json': LOCK } });
    writeFileSync(join(bench.root, 'bin/npm'), npm, { mode: 0o755 });
    const { report } = await bench.run();
    assert.equal(report.result, why ? 'failed' : 'updated', bench.log.join('\n'));
    if (why) assert.match(report.detail ?? '', why);
    else assert.equal(readFileSync(join(bench.base, 'releases', commit, 'node_modules/x'), 'utf8'), 'new\n');
  });
}

test('a pin goes back to a commit of the branch; one that is not on it changes nothing', async (t) => {
  const on = await fromGit(t);
  if (!on) return;
  const { bench, repository } = on;
  const first = commitRelease(repository);
  repository.commit('later');
  const config = readFileSync(bench.configPath, 'utf8');
  writeFileSync(bench.configPath, `${config}pin = "${first.slice(0, 9)}"\n`);
  assert.equal((await bench.run()).report.commit, first);
  writeFileSync(bench.configPath, `${config}pin = "0123456789"\n`);
  const { report } = await bench.run();
  assert.deepEqual([report.result, bench.current], ['current', first]);
  assert.match(report.detail ?? '', /which is not on main$/);
});

test('a repository that cannot be fetched; a mirror that a kill has left locked', async (t) => {
  const on = await fromGit(t);
  if (!on) return;
  const { bench, repository } = on;
  const { report } = await bench.run();
  assert.match(report.detail ?? '', /^git fetch: .*main/);
  const commit = commitRelease(repository);
  mkdirSync(join(bench.base, 'git.mirror/refs/heads'), { recursive: true });
  writeFileSync(join(bench.base, 'git.mirror/refs/heads/main.lock'), '');
  assert.equal((await bench.run()).report.result, 'updated', bench.log.join('\n'));
  assert.equal(bench.current, commit);
});
