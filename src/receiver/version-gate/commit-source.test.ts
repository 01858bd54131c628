import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { GitRepository } from '../../../test/support/git-repository.ts';
import { makeDirectory, removeDirectory, temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { gitSource, staticSource } from './commit-source.ts';

describe('a git repository', () => {
  const root = makeDirectory();
  let repository: GitRepository;
  let commits: string[];
  before(() => {
    repository = new GitRepository(join(root, 'repository'));
    commits = Array.from({ length: 12 }, (_, n) => repository.commit(`commit ${n}`)).reverse();
    repository.run('branch', 'older', commits[5] ?? '');
    repository.run('branch', 'feature/x', commits[3] ?? '');
  });
  after(() => removeDirectory(root));

  test('tells the branch, newest first', async () => {
    assert.deepEqual(await gitSource(repository.path, 'main', 100).read(), { commits, source: 'git' });
    assert.deepEqual((await gitSource(repository.path, 'older', 100).read()).commits, commits.slice(5));
    assert.deepEqual((await gitSource(repository.path, 'feature/x', 100).read()).commits, commits.slice(3));
  });

  test('tells ten windows, so that a refusal can say how far behind a commit is', async () => {
    assert.deepEqual((await gitSource(repository.path, 'main', 1).read()).commits, commits.slice(0, 10));
  });

  test('sees what was committed a moment ago', async () => {
    const moving = new GitRepository(join(root, 'moving'));
    const source = gitSource(moving.path, 'main', 100);
    const first = moving.commit('one');
    assert.deepEqual((await source.read()).commits, [first]);
    const second = moving.commit('two');
    assert.deepEqual((await source.read()).commits, [second, first]);
  });

  test('a tag or a remote-tracking branch of the same name does not stand for the branch', async () => {
    const named = new GitRepository(join(root, 'named'));
    const [first, second] = [named.commit('one'), named.commit('two')];
    named.run('tag', 'main', first);
    named.run('update-ref', 'refs/main', first);
    named.run('update-ref', 'refs/remotes/main/HEAD', first);
    assert.deepEqual((await gitSource(named.path, 'main', 100).read()).commits, [second, first]);
  });

  test('HEAD, a remote-tracking branch and a full name are read as git reads them', async () => {
    const clone = new GitRepository(join(root, 'clone'));
    clone.run('remote', 'add', 'origin', repository.path);
    clone.run('fetch', '--quiet', 'origin');
    const own = clone.commit('own');
    assert.deepEqual((await gitSource(clone.path, 'HEAD', 100).read()).commits, [own]);
    assert.deepEqual((await gitSource(clone.path, 'origin/main', 100).read()).commits, commits);
    assert.deepEqual((await gitSource(clone.path, 'refs/remotes/origin/older', 100).read()).commits, commits.slice(5));
  });

  test('may be a bare mirror', async () => {
    repository.run('clone', '--quiet', '--bare', repository.path, join(root, 'mirror.git'));
    assert.deepEqual((await gitSource(join(root, 'mirror.git'), 'main', 100).read()).commits, commits);
  });

  for (const branch of [
    'missing',
    '',
    ' ',
    'main..older',
    '--all',
    '-1',
    `--output=${join(root, 'written')}`,
    '--upload-pack=touch written',
    'main\n',
    '$(id)',
  ]) {
    test(`a branch called ${JSON.stringify(branch)} is a failure, and harms nothing`, async () => {
      await assert.rejects(gitSource(repository.path, branch, 100).read(), {
        code: 'gate-source-failed',
        retryable: true,
      });
      assert.equal(existsSync(join(root, 'written')), false);
    });
  }

  test('without a commit yet is a failure, not an answer', async () => {
    const empty = new GitRepository(join(root, 'empty'));
    await assert.rejects(gitSource(empty.path, 'main', 100).read(), {
      code: 'gate-source-failed',
      hint: /git -C .*empty log -1 main/,
    });
  });
});

test('a directory that is no repository, and one that is not there', async (t) => {
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, 'plain'));
  for (const name of ['plain', 'missing']) {
    const path = join(directory, name);
    await assert.rejects(gitSource(path, 'main', 100).read(), {
      code: 'gate-source-failed',
      message: new RegExp(`^cannot read branch main of ${path}: fatal: `),
    });
  }
});

test('a list from the configuration is told as it is', async () => {
  assert.deepEqual(await staticSource(['b', 'a']).read(), { commits: ['b', 'a'], source: 'static' });
});
