import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { hasSystemPart } from '../../../test/support/system-part.ts';
import { makeDirectory, removeDirectory } from '../../../test/support/temporary-directory.ts';
import { AppError } from '../../lib/app-error.ts';
import { asUnreadable, listEpisodeFiles, sourceState } from './list-episode-files.ts';

let directory: string;
beforeEach(() => {
  directory = makeDirectory();
});
afterEach(() => removeDirectory(directory));

function write(path: string, content = ''): void {
  mkdirSync(join(directory, path, '..'), { recursive: true });
  writeFileSync(join(directory, path), content);
}

const listed = async () => (await listEpisodeFiles(directory)).map(({ path, kind }) => `${kind} ${path}`);

describe('what is listed', () => {
  test('meta.json first, then everything by path', async () => {
    for (const path of ['b', 'a/z', 'a/b/c', 'a-', 'meta.json', 'A', 'z/meta.json', 'é', '.hidden']) write(path);
    mkdirSync(join(directory, 'empty'));
    symlinkSync('/nowhere', join(directory, 'link'));
    linkSync(join(directory, 'b'), join(directory, 'hard'));
    assert.deepEqual(await listed(), [
      'file meta.json',
      'file .hidden',
      'file A',
      'directory a',
      'file a-',
      'directory a/b',
      'file a/b/c',
      'file a/z',
      'file b',
      'directory empty',
      'file hard',
      'symlink link',
      'directory z',
      'file z/meta.json',
      'file é',
    ]);
  });

  test("the shipper's own names at the top are left out, and only there", async () => {
    for (const path of ['receipt.json', 'quarantine_reason.json', 'receipt.json.bak', 'a/receipt.json']) write(path);
    assert.deepEqual(await listed(), ['directory a', 'file a/receipt.json', 'file receipt.json.bak']);
  });

  test('a link is not followed', async () => {
    write('real/x');
    symlinkSync('real', join(directory, 'linked'));
    symlinkSync('loop', join(directory, 'loop'));
    assert.deepEqual(await listed(), ['symlink linked', 'symlink loop', 'directory real', 'file real/x']);
  });

  test('names that are odd, but text', async () => {
    const names = ['new\nline', ' ', '\x1b[2J', '-rf', '*', 'quote"', 'ünï'];
    for (const name of names) write(name);
    assert.deepEqual(
      (await listEpisodeFiles(directory)).map(({ path }) => path),
      names.toSorted(),
    );
  });

  test('an empty episode', async () => assert.deepEqual(await listed(), []));
});

describe('what cannot be packed', () => {
  test('a name that is not UTF-8', async () => {
    writeFileSync(Buffer.concat([Buffer.from(`${directory}/`), Buffer.from([0x66, 0xff])]), '');
    await assert.rejects(listed(), { code: 'episode-malformed', message: /not UTF-8: "fÿ"/ });
  });

  for (const name of ['back\\slash', '\\', 'a\\']) {
    test(`a name with a backslash: ${name}`, async () => {
      write(`inside/${name}`);
      await assert.rejects(listed(), {
        code: 'episode-malformed',
        message: `${JSON.stringify(name)} has a backslash, which tarballs read as a directory`,
      });
    });
  }

  test('a pipe', async (t) => {
    if (!hasSystemPart(t, ['mkfifo', '--version'], 'coreutils')) return;
    mkdirSync(join(directory, 'a'));
    execFileSync('mkfifo', [join(directory, 'a/pipe')]);
    await assert.rejects(listed(), { code: 'episode-malformed', message: /^"a\/pipe" is a socket, pipe or device/ });
  });

  test('an episode that has gone', async () => {
    removeDirectory(directory);
    await assert.rejects(listed(), { code: 'episode-unreadable' });
  });

  test('a directory that may not be read', async (t) => {
    if (process.getuid?.() === 0) return t.skip('root may read everything');
    mkdirSync(join(directory, 'locked'));
    chmodSync(join(directory, 'locked'), 0);
    await assert.rejects(listed(), { code: 'episode-unreadable' });
    chmodSync(join(directory, 'locked'), 0o700);
  });
});

describe("an episode's own fault is told apart from the machine's", () => {
  for (const code of ['ENOENT', 'EACCES', 'EPERM', 'EIO', 'ELOOP', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG']) {
    test(code, () => {
      const cause = Object.assign(new Error('why'), { code });
      const error = asUnreadable('data.csv', cause);
      assert.ok(error instanceof AppError);
      assert.equal(error.code, 'episode-unreadable');
      assert.equal(error.message, 'data.csv cannot be read: why');
      assert.equal(error.cause, cause);
    });
  }
  for (const code of ['EMFILE', 'ENFILE', 'ENOMEM', 'ENOSPC', 'EAGAIN', undefined]) {
    test(String(code), () => {
      const cause = Object.assign(new Error('why'), { code });
      assert.equal(asUnreadable('data.csv', cause), cause);
    });
  }
});

describe('the state of the source', () => {
  const state = async () => sourceState(await listEpisodeFiles(directory));

  test('counts entries, bytes of files, and the newest change of a file', async () => {
    write('a', 'xxx');
    write('b/c', 'yy');
    symlinkSync('a', join(directory, 'link'));
    utimesSync(join(directory, 'a'), 100, 1_000.5);
    utimesSync(join(directory, 'b/c'), 100, 999);
    assert.deepEqual(await state(), { files: 4, bytes: 5, newest_change_ms: 1_000_500 });
  });

  test('of nothing', async () => assert.deepEqual(await state(), { files: 0, bytes: 0, newest_change_ms: 0 }));

  test("is not changed by the shipper's own notes", async () => {
    write('a', 'x');
    const before = await state();
    write('receipt.json', '{}');
    assert.deepEqual(await state(), before);
  });
});
