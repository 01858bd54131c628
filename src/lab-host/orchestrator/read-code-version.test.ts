import assert from 'node:assert/strict';
import { chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { GitRepository } from '../../../test/support/git-repository.ts';
import { hasSystemPart } from '../../../test/support/system-part.ts';
import { COMMIT, makeBench } from './orchestrator.fixture.ts';
import { readCodeVersion } from './read-code-version.ts';

test('VERSION at the install root, as JSON and as a bare commit', async (t) => {
  const { installRoot } = await makeBench(t);
  const stamped = { commit: COMMIT, dirty: true, stamped_at_wall: '2026-05-01T06:37:53.830599+00:00' };
  await writeFile(join(installRoot, 'VERSION'), JSON.stringify(stamped));
  assert.deepEqual(await readCodeVersion(installRoot, undefined), { kind: 'stamped', codeVersion: stamped });
  await writeFile(join(installRoot, 'VERSION'), `${COMMIT}\n`);
  const bare = { commit: COMMIT, dirty: false, stamped_at_wall: null };
  assert.deepEqual(await readCodeVersion(installRoot, undefined), { kind: 'stamped', codeVersion: bare });
});

test('a code root of its own is never stamped with the commit of the install root', async (t) => {
  const { installRoot, root } = await makeBench(t);
  const codeRoot = join(root, 'recorder');
  await mkdir(codeRoot);
  const missing = await readCodeVersion(installRoot, codeRoot);
  assert.equal(missing.kind, 'unstamped');
  assert.ok(missing.kind === 'unstamped' && missing.reason === `${codeRoot}/VERSION is missing`);
  assert.ok(missing.kind === 'unstamped' && missing.hint.includes(`git -C ${codeRoot} rev-parse HEAD`));
  await writeFile(join(codeRoot, 'VERSION'), 'f'.repeat(40));
  const found = await readCodeVersion(installRoot, codeRoot);
  assert.ok(found.kind === 'stamped' && found.codeVersion.commit === 'f'.repeat(40));
});

test('code in a git checkout: HEAD, dirty by tracked files alone, and a VERSION counts more', async (t) => {
  const { installRoot, root } = await makeBench(t);
  const repository = new GitRepository(join(root, 'checkout'));
  const read = () => readCodeVersion(installRoot, repository.path);
  const born = await read();
  assert.ok(born.kind === 'unstamped' && /cannot be told/.test(born.reason) && /git -C .* log -1/.test(born.hint));

  await writeFile(join(repository.path, 'tracked'), '1');
  repository.run('add', 'tracked');
  const commit = repository.commit('first');
  const stamped = (dirty: boolean) => ({ kind: 'stamped', codeVersion: { commit, dirty, stamped_at_wall: null } });
  await writeFile(join(repository.path, 'untracked'), '1');
  assert.deepEqual(await read(), stamped(false));
  await writeFile(join(repository.path, 'tracked'), 'other');
  assert.deepEqual(await read(), stamped(true));

  const inside = join(repository.path, 'inside');
  await mkdir(inside);
  const subdirectory = await readCodeVersion(installRoot, inside);
  assert.ok(subdirectory.kind === 'unstamped' && /inside\/VERSION is missing/.test(subdirectory.reason));

  await writeFile(join(repository.path, 'VERSION'), COMMIT);
  const version = await read();
  assert.ok(version.kind === 'stamped' && version.codeVersion.commit === COMMIT);
});

test("somebody else's checkout is not read, and the cure is named", async (t) => {
  if (!hasSystemPart(t, ['sh', '-c', 'test "$(id -u)" = 0'], 'sudo and run the tests as root')) return;
  const { installRoot, root } = await makeBench(t);
  const repository = new GitRepository(join(root, 'checkout'));
  repository.commit('first');
  for (const path of [repository.path, join(repository.path, '.git')]) await chown(path, 54_321, 54_321);
  const answer = await readCodeVersion(installRoot, repository.path);
  assert.ok(answer.kind === 'unstamped' && /dubious ownership/.test(answer.reason));
  assert.equal(answer.hint, `sudo git config --system --add safe.directory ${repository.path}`);
});

const malformed: Record<string, string> = {
  empty: '',
  'short commit': '0123abc\n',
  'other JSON': '{"version": "1.0"}',
  'cut JSON': '{"commit": "0123',
};
for (const [title, text] of Object.entries(malformed)) {
  test(`a malformed VERSION stamps nothing: ${title}`, async (t) => {
    const { installRoot } = await makeBench(t);
    await writeFile(join(installRoot, 'VERSION'), text);
    const answer = await readCodeVersion(installRoot, undefined);
    assert.ok(answer.kind === 'unstamped' && answer.reason.includes('holds no full git commit'));
  });
}

test('a VERSION that cannot be read stamps nothing and says why', async (t) => {
  const { installRoot } = await makeBench(t);
  await rm(join(installRoot, 'VERSION'));
  await mkdir(join(installRoot, 'VERSION'));
  const answer = await readCodeVersion(installRoot, undefined);
  assert.ok(answer.kind === 'unstamped' && /cannot be read: EISDIR/.test(answer.reason));
});
