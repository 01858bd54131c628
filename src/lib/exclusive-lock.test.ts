import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { acquireExclusiveLock } from './exclusive-lock.ts';

function temporaryDirectory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'cis490-lock-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Another process that takes the lock and does not let go. */
async function holder(t: TestContext, directory: string, name: string) {
  const source = `
    import { acquireExclusiveLock } from './exclusive-lock.ts';
    globalThis.lock = acquireExclusiveLock(${JSON.stringify(directory)}, ${JSON.stringify(name)});
    process.stdin.resume();
    console.log('held');`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    cwd: import.meta.dirname,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const [line] = await once(child.stdout, 'data');
  assert.equal(String(line), 'held\n');
  return {
    kill: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

test('held by another process: already-running, with a command that finds it; free after SIGKILL', async (t) => {
  const directory = temporaryDirectory(t);
  const other = await holder(t, directory, 'receiver');
  for (let again = 0; again < 2; again += 1) {
    assert.throws(() => acquireExclusiveLock(directory, 'receiver'), {
      code: 'already-running',
      message: /another receiver/,
      hint: /fuser -v .*\.receiver\.lock\.db/,
    });
  }
  await other.kill();
  acquireExclusiveLock(directory, 'receiver').release();
});

test('held in this process: already-running, until it is released', (t) => {
  const directory = temporaryDirectory(t);
  const lock = acquireExclusiveLock(directory, 'receiver');
  assert.throws(() => acquireExclusiveLock(directory, 'receiver'), { code: 'already-running' });
  lock.release();
  acquireExclusiveLock(directory, 'receiver').release();
});

test('a held lock keeps out another process', async (t) => {
  const directory = temporaryDirectory(t);
  const lock = acquireExclusiveLock(directory, 'receiver');
  const source = `
    import { acquireExclusiveLock } from './exclusive-lock.ts';
    try { acquireExclusiveLock(${JSON.stringify(directory)}, 'receiver'); console.log('taken'); }
    catch (error) { console.log(error.code); }`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout, 'data');
  assert.equal(String(line), 'already-running\n');
  lock.release();
});

test('locks of other names and other directories are other locks', (t) => {
  const [one, other] = [temporaryDirectory(t), temporaryDirectory(t)];
  const locks = [
    acquireExclusiveLock(one, 'receiver'),
    acquireExclusiveLock(one, 'shipper'),
    acquireExclusiveLock(other, 'receiver'),
  ];
  for (const lock of locks) lock.release();
});

test('the lock file is its owner’s alone', (t) => {
  const directory = temporaryDirectory(t);
  const lock = acquireExclusiveLock(directory, 'receiver');
  assert.equal(statSync(join(directory, '.receiver.lock.db')).mode & 0o777, 0o600);
  lock.release();
});

test('a directory that is not there is told as that, not as a running program', (t) => {
  assert.throws(
    () => acquireExclusiveLock(join(temporaryDirectory(t), 'missing'), 'receiver'),
    (error: Error) => 'code' in error && error.code !== 'already-running',
  );
});
