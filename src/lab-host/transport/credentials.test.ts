import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type IssuedCertificate, TestAuthority } from '../../../test/support/certificates.ts';
import { hasSystemPart } from '../../../test/support/system-part.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { Secret } from '../../lib/config/secret-file.ts';
import { createLogger } from '../../lib/logger.ts';
import { type ClientCredentials, CredentialFiles, fixedCredentials } from './credentials.ts';

interface Bench {
  files: CredentialFiles;
  lines: string[];
  clock: { nowMs: number };
}

function bench(options: { token?: Secret; tls?: Record<string, string> }): Bench {
  const lines: string[] = [];
  const clock = { nowMs: 1_000, wallTime: () => '', monotonicMs: () => clock.nowMs, sleep: async () => undefined };
  const logger = createLogger({ level: 'info', form: 'plain', clock, write: (line) => lines.push(line) });
  return { files: new CredentialFiles({ bearerToken: options.token, tls: options.tls, clock, logger }), lines, clock };
}

describe('a token', () => {
  function tokenFile(t: TestContext, value: string): string {
    const path = join(temporaryDirectory(t), 'token');
    writeFileSync(path, `${value}\n`, { mode: 0o600 });
    return path;
  }

  test('in a file that changes is read again after ten seconds', (t) => {
    const path = tokenFile(t, 'one');
    const { files, lines, clock } = bench({ token: new Secret('one', path) });
    const first = files.current();
    writeFileSync(path, 'another');
    clock.nowMs += 9_999;
    assert.equal(files.current(), first, 'the same reading, so that connections are kept');
    clock.nowMs += 1;
    assert.equal(files.current().bearerToken, 'another');
    assert.match(lines.join(''), /INFO the credentials for the receiver have changed and were read again/);
  });

  test('is read again at once when it was doubted, and not a moment later without a change', (t) => {
    const path = tokenFile(t, 'one');
    const { files, lines } = bench({ token: new Secret('one', path) });
    const first = files.current();
    files.lookAgain();
    assert.equal(files.current(), first);
    writeFileSync(path, 'another');
    files.lookAgain();
    assert.equal(files.current().bearerToken, 'another');
    assert.equal(lines.length, 1);
  });

  for (const [fault, spoil] of [
    ['that others can read', (path: string) => chmodSync(path, 0o644)],
    ['that is empty', (path: string) => writeFileSync(path, '')],
    ['of two lines', (path: string) => writeFileSync(path, 'two\nthree')],
    ['of what no header carries', (path: string) => writeFileSync(path, 'tw\u00f6\u2713')],
    ['that is gone', (path: string) => rmSync(path)],
  ] as const) {
    test(`in a file ${fault} stays what it was, with one error until it works`, (t) => {
      const path = tokenFile(t, 'one');
      const { files, lines } = bench({ token: new Secret('one', path) });
      files.current();
      spoil(path);
      for (let n = 0; n < 3; n += 1) {
        files.lookAgain();
        assert.equal(files.current().bearerToken, 'one');
      }
      assert.equal(lines.length, 1, lines.join(''));
      assert.match(lines[0] ?? '', /ERROR .*the old ones stay error=/);
      assert.ok(lines[0]?.includes(path));
      rmSync(path, { force: true });
      writeFileSync(path, 'two', { mode: 0o600 });
      files.lookAgain();
      assert.equal(files.current().bearerToken, 'two');
    });
  }

  test('in the configuration itself, or none, never changes', () => {
    const { files } = bench({ token: new Secret('inline') });
    files.lookAgain();
    assert.deepEqual(files.current(), { bearerToken: 'inline', tls: {} });
    const fixed = fixedCredentials(undefined);
    fixed.lookAgain();
    assert.equal(fixed.current(), fixed.current());
  });
});

describe('a client certificate', () => {
  interface Pair {
    tls: { ca_file: string; cert_file: string; key_file: string };
    one: IssuedCertificate;
    two: IssuedCertificate;
    put(part: 'cert' | 'key', issued: IssuedCertificate): void;
  }

  function pair(t: TestContext): Pair | undefined {
    if (!hasSystemPart(t, ['openssl', 'version'], 'openssl')) return undefined;
    const root = temporaryDirectory(t);
    const ca = TestAuthority.create(join(root, 'ca'));
    const [one, two] = [ca.issue(), ca.issue()];
    const tls = { ca_file: ca.certFile, cert_file: join(root, 'host.crt'), key_file: join(root, 'host.key') };
    const put = (part: 'cert' | 'key', issued: IssuedCertificate) => {
      const to = part === 'cert' ? tls.cert_file : tls.key_file;
      copyFileSync(part === 'cert' ? issued.certFile : issued.keyFile, to);
      chmodSync(to, 0o600);
    };
    put('cert', one);
    put('key', one);
    return { tls, one, two, put };
  }

  function shown({ tls }: ClientCredentials): (string | undefined)[] {
    return [tls.cert?.trim(), tls.key?.trim()];
  }

  test('and its key change together or not at all', (t) => {
    const at = pair(t);
    if (!at) return;
    const { files, lines } = bench({ tls: at.tls });
    const first = files.current();
    assert.deepEqual(shown(first), [at.one.cert.trim(), at.one.key.trim()]);
    assert.equal(first.tls.ca, readFileSync(at.tls.ca_file, 'utf8'));
    at.put('cert', at.two);
    files.lookAgain();
    assert.equal(files.current(), first);
    assert.match(lines.join(''), /host\.key is not the key of the certificate in .*host\.crt/);
    at.put('key', at.two);
    files.lookAgain();
    assert.deepEqual(shown(files.current()), [at.two.cert.trim(), at.two.key.trim()]);
  });

  test('and its key are of one side of a switch that happens between the two', async (t) => {
    const at = pair(t);
    if (!at) return;
    const root = temporaryDirectory(t);
    const file = (number: string, name: string) => join(root, number, name);
    for (const [number, issued] of [
      ['1', at.one],
      ['2', at.two],
    ] as const) {
      mkdirSync(join(root, number));
      writeFileSync(file(number, 'host.crt'), issued.cert);
      writeFileSync(file(number, 'host.key'), issued.key, { mode: 0o600 });
    }
    symlinkSync('1', join(root, 'current'));
    // Whoever reads the first certificate waits in the middle of it, and the switch is made.
    const pipe = file('1', 'host.crt');
    rmSync(pipe);
    execFileSync('mkfifo', [pipe]);
    const switchThenWrite = 'exec 3>"$1/1/host.crt"; ln -s 2 "$1/new"; mv -T "$1/new" "$1/current"; cat "$2" >&3';
    const child = spawn('sh', ['-c', switchThenWrite, 'sh', root, at.one.certFile], { stdio: 'ignore' });
    const ended = once(child, 'close');
    const tls = { cert_file: file('current', 'host.crt'), key_file: file('current', 'host.key') };
    const { files, lines } = bench({ tls });
    assert.deepEqual(shown(files.current()), [at.one.cert.trim(), at.one.key.trim()]);
    await ended;
    files.lookAgain();
    assert.deepEqual(shown(files.current()), [at.two.cert.trim(), at.two.key.trim()]);
    assert.doesNotMatch(lines.join(''), /ERROR|WARNING/);
  });

  for (const [fault, spoil, why] of [
    [
      'a key that others can read',
      ({ tls }: Pair) => chmodSync(tls.key_file, 0o644),
      /host\.key, which others can read/,
    ],
    ['a key of another', ({ put, two }: Pair) => put('key', two), /host\.key is not the key of/],
    ['no key', ({ tls }: Pair) => rmSync(tls.key_file), /host\.key cannot be read: ENOENT/],
    [
      'a key that is none',
      ({ tls }: Pair) => writeFileSync(tls.key_file, 'x'),
      /host\.key cannot be read as a private key/,
    ],
    ['no certificate', ({ tls }: Pair) => rmSync(tls.cert_file), /host\.crt cannot be read as a certificate.*ENOENT/],
    [
      'authorities that are none',
      ({ tls }: Pair) => writeFileSync(tls.ca_file, 'x'),
      /ca\.crt cannot be read as a certif/,
    ],
  ] as const) {
    test(`with ${fault} is no credential until it is mended`, (t) => {
      const at = pair(t);
      if (!at) return;
      const good = [at.tls.ca_file, at.tls.cert_file, at.tls.key_file].map(
        (path) => [path, readFileSync(path)] as const,
      );
      spoil(at);
      const { files, lines } = bench({ tls: at.tls });
      for (let n = 0; n < 2; n += 1)
        assert.throws(() => files.current(), { code: 'credentials-unusable', message: why });
      for (const [path, bytes] of good) {
        rmSync(path, { force: true });
        writeFileSync(path, bytes, { mode: 0o600 });
      }
      files.lookAgain();
      assert.equal(files.current().tls.cert?.trim(), at.one.cert.trim());
      assert.deepEqual(lines, []);
    });
  }
});
