import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ConfigError } from '../lib/config/config-error.ts';
import { describeAsExample } from '../lib/config/describe-config.ts';
import { loadConfig } from '../lib/config/load-config.ts';
import { receiverConfigDefinition } from './receiver-config.ts';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';

function writeConfig(t: TestContext, text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'receiver-config-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'receiver.toml');
  writeFileSync(path, text);
  return path;
}

/** `LINE: [section] key: …` of each mistake. */
function mistakesOf(t: TestContext, text: string): string[] {
  try {
    loadConfig(receiverConfigDefinition, writeConfig(t, text));
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.mistakes.map(({ line, key, message }) => `${line}: ${key}: ${message}`);
  }
}

test('the defaults', (t) => {
  const { config } = loadConfig(receiverConfigDefinition, writeConfig(t, 'version_gate.enabled = false\n'));
  assert.deepEqual(config, {
    listen: { host: '127.0.0.1', port: 8490 },
    store: { root: '/var/lib/cis490', max_episode_bytes: 8 * 1024 ** 3, min_free: 5 * 1024 ** 3 },
    auth: {},
    version_gate: {
      enabled: false,
      window: 100,
      refresh_s: 5,
      branch: 'main',
      blocked_commits: [],
      dirty: 'accept',
    },
  });
});

test('the example loads as it stands, and with all of its keys, one source aside', (t) => {
  const example = describeAsExample(receiverConfigDefinition);
  const asItStands = loadConfig(receiverConfigDefinition, writeConfig(t, example)).config;
  assert.equal(asItStands.version_gate.local_repo_path, '/srv/git/recorder.git');

  const text = example.replaceAll(/^# (?=[a-z_0-9]+ = )(?!commits)/gm, '');
  const { config } = loadConfig(receiverConfigDefinition, writeConfig(t, text));
  const { auth, version_gate, ...others } = config;
  assert.match(auth.fleet_token_sha256 ?? '', /^[0-9a-f]{64}$/);
  assert.equal(version_gate.remediation?.length, 2);
  const { auth: _auth, version_gate: _gate, ...defaults } = asItStands;
  assert.deepEqual(others, defaults, 'a key in a comment shows its default');
});

test('a gate has one source, or is off', (t) => {
  const neither = (line: number) =>
    `${line}: [version_gate] local_repo_path: found neither local_repo_path nor commits; allowed: one of them, or enabled = false`;
  const both = '[version_gate] commits: found both commits and local_repo_path; allowed: one of them';
  const commits = 'allowed: a list of full commits (40 or 64 hex digits each)';
  const cases: [text: string, ...mistakes: string[]][] = [
    ['', neither(1)],
    ['[version_gate]\nenabled = true', neither(1)],
    ['[listen]\n[version_gate]\nwindow = 5', neither(2)],
    ['version_gate.enabled = false'],
    ['version_gate.local_repo_path = "r.git"'],
    [`version_gate.commits = ["${COMMIT}"]`],
    ['version_gate.commits = []', `1: [version_gate] commits: found an empty list; ${commits}`],
    ['[version_gate]\nenabled = false\ncommits = []', `3: [version_gate] commits: found an empty list; ${commits}`],
    [`[version_gate]\nlocal_repo_path = "r.git"\ncommits = ["${COMMIT}"]`, `3: ${both}`],
    [`[version_gate]\nenabled = false\nlocal_repo_path = "r.git"\ncommits = ["${COMMIT}"]`, `4: ${both}`],
    [
      '[version_gate]\nwindow = "0"\nbranches = "x"',
      neither(1),
      '2: [version_gate] window: found "0" (text); allowed: a whole number, 1 to 10000',
      '3: [version_gate] branches: found an unknown key; allowed: enabled, window, refresh_s, branch, local_repo_path, commits, blocked_commits, dirty, remediation (did you mean branch?)',
    ],
  ];
  for (const [text, ...mistakes] of cases) assert.deepEqual(mistakesOf(t, text), mistakes, text);
});

test('limits', (t) => {
  const cases: [key: string, accepted: string[], refused: string[]][] = [
    ['listen.port', ['0', '65535'], ['-1', '65536', '"80"']],
    ['listen.host', ['"::1"', '"localhost"', '"127.0.0.2"'], ['""', '1', '"::"', '"0.0.0.0"', '"192.0.2.1"']],
    ['store.max_episode_bytes', ['1', '"1 KiB"'], ['0', '"0 B"', '"1"']],
    ['store.min_free', ['"0 B"', '"1 GB"'], ['1']],
    ['version_gate.window', ['1', '10000'], ['0', '10001', '1.5']],
    ['version_gate.refresh_s', ['0.5'], ['0']],
    ['version_gate.dirty', ['"accept"', '"refuse"'], ['"Accept"', 'true']],
    ['version_gate.blocked_commits', ['[]', `["${COMMIT}"]`], [`"${COMMIT}"`, '[1]', `["${COMMIT.slice(1)}"]`]],
    ['version_gate.remediation', ['["a", "b"]'], ['[]', '"a"', '[""]']],
    ['auth.fleet_token_sha256', [`"${'aB'.repeat(32)}"`], [`"${'a'.repeat(63)}"`, '1']],
  ];
  for (const [key, accepted, refused] of cases) {
    const load = (value: string) => mistakesOf(t, `version_gate.local_repo_path = "r"\n${key} = ${value}\n`);
    for (const value of accepted) assert.deepEqual(load(value), [], `${key} = ${value}`);
    const shown = key.replace(/(.*)\.(.*)/, '2: [$1] $2');
    for (const value of refused) assert.ok(load(value)[0]?.startsWith(shown), `${key} = ${value}`);
  }
});

test('an address that others reach needs a credential', (t) => {
  const text = `[listen]\nhost = "0.0.0.0"\n[version_gate]\nenabled = false\n`;
  assert.match(
    mistakesOf(t, text)[0] ?? '',
    /^2: \[listen\] host: found "0\.0\.0\.0", which others reach, while no credential/,
  );
  assert.deepEqual(mistakesOf(t, `${text}[auth]\nfleet_token_sha256 = "${'a'.repeat(64)}"\n`), []);
});

test('hex digits are lower case inside', (t) => {
  const text = `[version_gate]\ncommits = ["${COMMIT.toUpperCase()}"]\n[auth]\nfleet_token_sha256 = "${'AB'.repeat(32)}"\n`;
  const { config } = loadConfig(receiverConfigDefinition, writeConfig(t, text));
  assert.deepEqual(config.version_gate.commits, [COMMIT]);
  assert.equal(config.auth.fleet_token_sha256, 'ab'.repeat(32));
});

test('a token in place of its digest is not shown', (t) => {
  const text = '[version_gate]\nenabled = false\n[auth]\nfleet_token_sha256 = "hunter2"\n';
  assert.deepEqual(mistakesOf(t, text), [
    '4: [auth] fleet_token_sha256: found text (not shown); allowed: a SHA-256 in 64 hex digits',
  ]);
});

test('the older repo_path works with a warning, from the directory of the file', (t) => {
  const path = writeConfig(t, '[version_gate]\nrepo_path = "r.git"\n');
  const { config, warnings } = loadConfig(receiverConfigDefinition, path);
  assert.equal(config.version_gate.local_repo_path, join(dirname(path), 'r.git'));
  assert.deepEqual(warnings, [`${path}:2: [version_gate] repo_path is deprecated; use local_repo_path`]);
});
