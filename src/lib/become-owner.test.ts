import assert from 'node:assert/strict';
import { chownSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { Program } from '../../test/support/program.ts';
import { hasSystemPart } from '../../test/support/system-part.ts';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { becomeOwner, loginName } from './become-owner.ts';

// A user and a group that no password file has.
const STRANGER = 54_321;
const isRoot = process.getuid?.() === 0;

/** `becomeOwner(directory)` in a process of its own, which then writes a file there and prints who it is. */
async function run(
  directory: string,
  asUid?: number,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const module = join(import.meta.dirname, 'become-owner.ts');
  const code = `
    const { becomeOwner } = await import(${JSON.stringify(module)});
    const { writeFileSync } = await import('node:fs');
    ${asUid === undefined ? '' : `process.setgroups([]); process.setgid(${asUid}); process.setuid(${asUid});`}
    await becomeOwner(${JSON.stringify(directory)}).catch((error) => {
      console.error(error.code + ': ' + error.message);
      process.exit(1);
    });
    writeFileSync(${JSON.stringify(directory)} + '/written', '');
    let back = 'may not go back';
    try { process.setuid(0); back = process.getuid() === 0 ? 'may go back' : back; } catch {}
    console.log([process.getuid(), process.geteuid(), process.getgid(), process.getgroups(), back].join(' '));`;
  const program = Program.command(process.execPath, ['--input-type=module', '-e', code]);
  const { code: exitCode } = await program.ended;
  return { code: exitCode, stdout: program.stdout.trim(), stderr: program.stderr.trim() };
}

function ownedBy(t: TestContext, uid: number): string {
  const directory = join(temporaryDirectory(t), 'store');
  mkdirSync(directory, { mode: 0o700 });
  chownSync(join(directory, '..'), uid, uid);
  chownSync(directory, uid, uid);
  return directory;
}

describe('root', () => {
  const asRoot = (title: string, body: (t: TestContext) => Promise<void>) =>
    test(title, async (t) => {
      if (hasSystemPart(t, ['sh', '-c', 'test "$(id -u)" = 0'], 'sudo and run the tests as root')) await body(t);
    });

  asRoot('becomes whom the directory belongs to, for good, with no group of its own left', async (t) => {
    const directory = ownedBy(t, STRANGER);
    const { code, stdout, stderr } = await run(directory);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, `${STRANGER} ${STRANGER} ${STRANGER} ${STRANGER} may not go back`);
    assert.equal(statSync(join(directory, 'written')).uid, STRANGER);
  });

  asRoot('stays root where root is the owner', async (t) => {
    assert.match((await run(ownedBy(t, 0))).stdout, /^0 0 0 /);
  });

  asRoot('another user than the owner is told so before anything is written', async (t) => {
    const directory = ownedBy(t, STRANGER);
    const { code, stderr } = await run(directory, STRANGER + 1);
    assert.equal(code, 1);
    assert.match(stderr, /^not-permitted: uid 54322 may not write to /);
    assert.deepEqual(readdirSync(directory), []);
  });
});

test('a directory that is missing is said to be', async (t) => {
  await assert.rejects(becomeOwner(join(temporaryDirectory(t), 'nowhere')), {
    code: 'bad-input',
    hint: /receiver makes/,
  });
});

test('behind sudo the caller is named, and nobody else can claim a name', () => {
  const own = loginName({});
  assert.ok(own.length > 0);
  assert.equal(loginName({ SUDO_USER: 'ada' }), isRoot ? 'ada' : own);
});
