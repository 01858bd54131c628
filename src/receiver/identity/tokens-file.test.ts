import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { AppError } from '../../lib/app-error.ts';
import { readTokensFile } from './tokens-file.ts';

const TOKEN = { id: 't1', role: 'reader', sha256: 'a'.repeat(64), created_at: '2026-05-01T06:37:53.830599+00:00' };

function pathIn(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'cis490-tokens-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return join(directory, 'tokens.json');
}

test('no file is no tokens; a good one is read whole', (t) => {
  const path = pathIn(t);
  assert.deepEqual(readTokensFile(path), []);
  const tokens = [TOKEN, { ...TOKEN, id: 't2', role: 'host', host: 'lab-01', expires_at: '2027-01-01T00:00:00Z' }];
  writeFileSync(path, JSON.stringify({ tokens }));
  assert.deepEqual(readTokensFile(path), tokens);
});

test('what is damaged is told with its place, and never taken for none', (t) => {
  const path = pathIn(t);
  const one = (fields: object) => JSON.stringify({ tokens: [{ ...TOKEN, ...fields }] });
  const cases: [content: string, message: RegExp][] = [
    ['', /it is not a JSON object with a list "tokens"/],
    ['[]', /it is not a JSON object/],
    ['{"tokens":[],"version":2}', /it is not a JSON object/],
    ['{"tokens":{}}', /tokens: /],
    [one({ id: '' }), /tokens\.0\.id: /],
    [one({ role: 'root' }), /tokens\.0\.role: /],
    [one({ sha256: 'A'.repeat(64) }), /tokens\.0\.sha256: must be a SHA-256 in 64 lower-case hex digits/],
    [one({ role: 'host' }), /tokens\.0\.host: a token of role host has a host, and no other has one/],
    [one({ host: 'lab-01' }), /tokens\.0\.host: a token of role host has a host/],
    [one({ role: 'host', host: '../x' }), /tokens\.0\.host: must be 1 to 64/],
    [one({ expires_at: 'tomorrow' }), /tokens\.0\.expires_at: /],
    [one({ token: 'itself' }), /tokens\.0: /],
  ];
  for (const [content, message] of cases) {
    writeFileSync(path, content);
    assert.throws(
      () => readTokensFile(path),
      (error) =>
        error instanceof AppError &&
        error.code === 'bad-tokens-file' &&
        error.message.includes(path) &&
        message.test(error.message),
      content,
    );
  }
});

test('a directory in its place is no missing file', (t) => {
  const path = pathIn(t);
  mkdirSync(path);
  assert.throws(() => readTokensFile(path), { code: 'bad-tokens-file' });
});

test('a file that this user may not read is told apart from a damaged one, with the cure', (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root may become another user; run as root: sudo npm test');
  const path = pathIn(t);
  writeFileSync(path, JSON.stringify({ tokens: [TOKEN] }));
  chmodSync(path, 0o600);
  chmodSync(dirname(path), 0o755);
  process.setegid?.(65_534);
  process.seteuid?.(65_534);
  t.after(restore);
  assert.throws(
    () => readTokensFile(path),
    (error) => {
      assert.ok(error instanceof AppError && error.code === 'bad-tokens-file');
      assert.match(error.message, /uid 65534 may not read the file/);
      assert.equal(error.hint?.split(';')[0], `sudo chgrp 65534 ${path} && sudo chmod 640 ${path}`);
      return true;
    },
  );
  restore();
  assert.deepEqual(readTokensFile(path), [TOKEN]);
});

function restore(): void {
  process.seteuid?.(0);
  process.setegid?.(0);
}
