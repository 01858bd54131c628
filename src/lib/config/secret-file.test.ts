import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { Secret, secretFile } from './secret-file.ts';

function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'secret-file-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

function writeSecret(directory: string, name: string, content: string, mode: number): void {
  writeFileSync(join(directory, name), content);
  chmodSync(join(directory, name), mode);
}

/** What was found and what is allowed, or undefined when the value was accepted. */
function refusalOf(baseDirectory: string, value: unknown): string | undefined {
  const [issue] = secretFile({ baseDirectory }).safeParse(value).error?.issues ?? [];
  return issue?.code === 'custom' ? `${issue.params?.['found']}; ${issue.message}` : undefined;
}

test('a private file is read, from the directory of the configuration, without white space around it', (t) => {
  const directory = temporaryDirectory(t);
  for (const mode of [0o600, 0o400, 0o640, 0o660]) {
    writeSecret(directory, 'token', '  hunter2\n', mode);
    assert.equal(secretFile({ baseDirectory: directory }).parse('token').reveal(), 'hunter2', mode.toString(8));
  }
  assert.equal(secretFile({ baseDirectory: '/' }).parse(join(directory, 'token')).reveal(), 'hunter2');
});

test('a file that others can reach is refused with the command that cures it', (t) => {
  const directory = temporaryDirectory(t);
  for (const [mode, shown] of [
    [0o604, '0604'],
    [0o602, '0602'],
    [0o601, '0601'],
    [0o644, '0644'],
  ] as const) {
    writeSecret(directory, 'token', 'hunter2', mode);
    const path = join(directory, 'token');
    assert.equal(
      refusalOf(directory, 'token'),
      `${path}, which others can read or write (mode ${shown}); mode 0600; run: chmod 0600 ${path}`,
    );
  }
});

test('the cure can be pasted into a shell whatever the path', (t) => {
  const directory = temporaryDirectory(t);
  writeSecret(directory, "it's $HOME", 'hunter2', 0o644);
  const cure = /run: (chmod .*)$/.exec(refusalOf(directory, "it's $HOME") ?? '')?.[1];
  assert.ok(cure);
  execFileSync('/bin/sh', ['-c', cure]);
  assert.equal(secretFile({ baseDirectory: directory }).parse("it's $HOME").reveal(), 'hunter2');
});

test('what cannot be a secret is refused', (t) => {
  const directory = temporaryDirectory(t);
  writeSecret(directory, 'empty', ' \n\t', 0o600);
  writeSecret(directory, 'fits', 'x'.repeat(65_536), 0o600);
  writeSecret(directory, 'large', 'x'.repeat(65_537), 0o600);
  mkdirSync(join(directory, 'folder'), { mode: 0o700 });
  execFileSync('/bin/sh', ['-c', 'mkfifo -m 600 pipe'], { cwd: directory });

  assert.match(refusalOf(directory, 'empty') ?? '', /empty, which is empty;/);
  assert.equal(refusalOf(directory, 'fits'), undefined);
  assert.match(refusalOf(directory, 'large') ?? '', /holds 65537 bytes; a secret of at most 64 KiB/);
  assert.match(refusalOf(directory, 'folder') ?? '', /not a regular file/);
  assert.match(refusalOf(directory, 'pipe') ?? '', /not a regular file/);
  assert.match(refusalOf(directory, 12) ?? '', /^a number \(not shown\); the path of a file/);
  assert.match(refusalOf(directory, ' ') ?? '', /^empty text/);
  assert.match(refusalOf(directory, undefined) ?? '', /^nothing; the path of a file/);
});

test('a secret that was written in place of a path is never shown', (t) => {
  const directory = temporaryDirectory(t);
  for (const value of ['hunter2', `hunter2${'x'.repeat(5000)}`, 'hunter2\0']) {
    const refusal = refusalOf(directory, value);
    assert.match(refusal ?? '', /not shown/);
    assert.doesNotMatch(refusal ?? '', /hunter2/);
  }
});

test('a Secret shows itself to nobody who does not ask', () => {
  const secret = new Secret('hunter2');
  assert.equal(secret.reveal(), 'hunter2');
  assert.equal(`${secret}`, '[redacted]');
  assert.equal(JSON.stringify({ secret }), '{"secret":"[redacted]"}');
  assert.equal(inspect({ secret }, { showHidden: true, depth: 9 }), '{ secret: [redacted] }');
});
