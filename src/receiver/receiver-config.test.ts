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
  const path = writeConfig(t, 'version_gate.enabled = false\n');
  const { config } = loadConfig(receiverConfigDefinition, path);
  const { monitor, ...fleet } = config.fleet;
  assert.deepEqual(
    [monitor.silent_threshold_min, monitor.fatal_ratio_threshold, monitor.reminder_s],
    [30, 0.95, 3_600],
  );
  assert.deepEqual(
    { ...config, fleet },
    {
      listen: { host: '127.0.0.1', port: 8490, trusted_proxies: [], proxy_headers: { certificate: 'Client-Cert' } },
      store: {
        root: '/var/lib/cis490',
        max_episode_bytes: 8 * 1024 ** 3,
        min_free: 5 * 1024 ** 3,
        backup_max_age_s: 36 * 3_600,
      },
      uploads: { expire_after_s: 3 * 86_400, per_host: 16, bytes_per_host: 64 * 1024 ** 3 },
      auth: { tokens_file: join(dirname(path), 'tokens.json') },
      version_gate: {
        enabled: false,
        window: 100,
        refresh_s: 5,
        branch: 'main',
        blocked_commits: [],
        dirty: 'accept',
      },
      certificates: { host_lifetime_days: 90, server_lifetime_days: 365, ca_lifetime_days: 3650 },
      fleet: { expected_hosts: [], notifier: [] },
    },
  );
});

test('the example loads as it stands, and with all of its keys, one source aside', (t) => {
  const example = describeAsExample(receiverConfigDefinition);
  const asItStands = loadConfig(receiverConfigDefinition, writeConfig(t, example)).config;
  assert.equal(asItStands.version_gate.local_repo_path, '/srv/git/recorder.git');

  // A notifier has keys by its kind, and no kind has all of them.
  const single = example.slice(0, example.indexOf('# [[fleet.notifier]]'));
  const text = single.replaceAll(/^# (?=[a-z_0-9]+ = |\[)(?!commits)/gm, '');
  const path = writeConfig(t, text);
  for (const name of ['receiver.key', 'forge-token']) {
    writeFileSync(join(dirname(path), name), 'a secret\n', { mode: 0o600 });
  }
  writeFileSync(join(dirname(path), 'hosts.txt'), 'lab-03\n');
  const { listen, store, auth, version_gate, fleet } = loadConfig(receiverConfigDefinition, path).config;
  assert.match(auth.fleet_token_sha256 ?? '', /^[0-9a-f]{64}$/);
  assert.equal(version_gate.remediation?.length, 2);
  assert.equal(version_gate.auth_token_file?.reveal(), 'a secret');
  assert.equal(listen.tls?.key_file?.reveal(), 'a secret');
  assert.equal(listen.proxy_headers.fingerprint, 'X-Client-Fingerprint');
  assert.deepEqual(fleet.expected_hosts, ['lab-03']);
  const { tls: _tls, proxy_headers: _headers, ...address } = listen;
  const { backup_stamp, ...stored } = store;
  assert.equal(backup_stamp, '/mnt/backup/cis490/last-backup');
  const { proxy_headers: _default, ...defaults } = asItStands.listen;
  assert.deepEqual(
    { address, store: stored },
    { address: defaults, store: asItStands.store },
    'a comment shows the default',
  );
});

test('keys of the older system are read, each with a warning', (t) => {
  const older = `[version_gate]\n${FORGE}repo_path = "r.git"\nauth_token = "s3cret"\n`;
  const { config, warnings } = loadConfig(receiverConfigDefinition, writeConfig(t, older));
  assert.equal(config.version_gate.auth_token_file?.reveal(), 's3cret');
  assert.match(config.version_gate.local_repo_path ?? '', /\/r\.git$/);
  assert.match(String(warnings), /repo_path is deprecated; use local_repo_path/);
  assert.match(String(warnings), /auth_token is deprecated; use auth_token_file/);
});

test('a gate has one source, or is off', (t) => {
  const neither = (line: number) =>
    `${line}: [version_gate] enabled: found no forgejo_url, local_repo_path or commits; allowed: one of them, or enabled = false`;
  const both = '[version_gate] commits: found commits beside local_repo_path; allowed: one of them';
  const commits = 'allowed: a list of full commits (40 or 64 hex digits each)';
  const cases: [text: string, ...mistakes: string[]][] = [
    ['', neither(1)],
    ['[version_gate]\nenabled = true', neither(2)],
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
      '3: [version_gate] branches: found an unknown key; allowed: enabled, window, refresh_s, branch, forgejo_url, repo_owner, repo_name, auth_token_file, local_repo_path, commits, blocked_commits, dirty, remediation (did you mean branch?)',
    ],
  ];
  for (const [text, ...mistakes] of cases) assert.deepEqual(mistakesOf(t, text), mistakes, text);
});

test('limits', (t) => {
  const cases: [key: string, accepted: string[], refused: string[]][] = [
    ['listen.port', ['0', '65535'], ['-1', '65536', '"80"']],
    ['listen.host', ['"::1"', '"localhost"', '"127.0.0.2"'], ['""', '1', '"::"', '"0.0.0.0"', '"192.0.2.1"']],
    ['fleet.expected_hosts', ['[]', '["lab-01"]'], ['"lab-01"', '[".."]', '["a b"]']],
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

const FORGE = 'forgejo_url = "https://git.example.org"\nrepo_owner = "lab"\nrepo_name = "recorder"\n';

test('a forge is named whole, beside a repository or alone', (t) => {
  const missing = (given: string, key: string) =>
    `1: [version_gate] ${key}: found ${given} without it; allowed: all of forgejo_url, repo_owner, repo_name`;
  const cases: [keys: string, ...mistakes: string[]][] = [
    [FORGE],
    [`${FORGE}local_repo_path = "r.git"`],
    ['forgejo_url = "http://forge:3000"', missing('forgejo_url', 'repo_owner'), missing('forgejo_url', 'repo_name')],
    ['repo_owner = "lab"\nrepo_name = "r"', missing('repo_owner and repo_name', 'forgejo_url')],
    [
      `${FORGE}commits = ["${COMMIT}"]`,
      '5: [version_gate] commits: found commits beside forgejo_url, repo_owner, repo_name; allowed: one of them',
    ],
    [
      'local_repo_path = "r"\nauth_token_file = "TOKEN"',
      '3: [version_gate] auth_token_file: found auth_token_file without forgejo_url; allowed: it beside forgejo_url, repo_owner, repo_name',
    ],
    [
      `${FORGE.replace('https', 'ftp')}`,
      '2: [version_gate] forgejo_url: found "ftp://git.example.org"; allowed: an http or https URL',
    ],
    [
      `${FORGE.replace('recorder', '../x')}`,
      '4: [version_gate] repo_name: found "../x"; allowed: a name of letters, digits, ".", "_" and "-"',
    ],
  ];
  for (const [keys, ...mistakes] of cases) {
    const path = writeConfig(t, '');
    writeFileSync(join(dirname(path), 'TOKEN'), 'x', { mode: 0o600 });
    const text = `[version_gate]\n${keys.replace('"TOKEN"', `"${join(dirname(path), 'TOKEN')}"`)}\n`;
    assert.deepEqual(mistakesOf(t, text), mistakes, keys);
  }
});

test('tls: the certificate and its key go together, and authorities are of use to somebody', (t) => {
  const path = writeConfig(t, '');
  const key = join(dirname(path), 'k.key');
  writeFileSync(key, 'x', { mode: 0o600 });
  const cases: [keys: string, ...mistakes: string[]][] = [
    [`tls = { cert_file = "c", key_file = "${key}" }`],
    [`tls = { cert_file = "c", key_file = "${key}", client_ca_file = "ca" }`],
    ['tls = { client_ca_file = "ca" }\ntrusted_proxies = ["127.0.0.1"]'],
    ['tls = {}'],
    ['tls = { cert_file = "c" }', '2: [listen.tls] key_file: found cert_file without it; allowed: both or neither'],
    [`tls = { key_file = "${key}" }`, '2: [listen.tls] cert_file: found key_file without it; allowed: both or neither'],
    [
      'tls = { client_ca_file = "ca" }',
      '2: [listen.tls] client_ca_file: found client_ca_file, while nobody can show a certificate; allowed: cert_file and key_file, or trusted_proxies',
    ],
  ];
  for (const [keys, ...mistakes] of cases) {
    assert.deepEqual(mistakesOf(t, `[listen]\n${keys}\n[version_gate]\nenabled = false\n`), mistakes, keys);
  }
});

test('proxy headers: subject and fingerprint go together, san beside them', (t) => {
  const cases: [keys: string, ...mistakes: string[]][] = [
    ['certificate = "X-Forwarded-Client-Cert"'],
    ['subject = "X-S"\nfingerprint = "X-F"'],
    ['subject = "X-S"\nfingerprint = "X-F"\nsan = "X-N"'],
    [
      'subject = "X-S"',
      '1: [listen.proxy_headers] fingerprint: found only one of subject and fingerprint; allowed: both: without the fingerprint no certificate could be revoked',
    ],
    [
      'fingerprint = "X-F"',
      '1: [listen.proxy_headers] subject: found only one of subject and fingerprint; allowed: both: without the fingerprint no certificate could be revoked',
    ],
    [
      'san = "X-N"',
      '2: [listen.proxy_headers] san: found san without subject; allowed: subject and fingerprint beside it',
    ],
    [
      'certificate = "Client Cert"',
      '2: [listen.proxy_headers] certificate: found "Client Cert"; allowed: the name of a header',
    ],
  ];
  for (const [keys, ...mistakes] of cases) {
    assert.deepEqual(
      mistakesOf(t, `[listen.proxy_headers]\n${keys}\n[version_gate]\nenabled = false\n`),
      mistakes,
      keys,
    );
  }
});

const CREDENTIALS =
  'once there is [auth] fleet_token_sha256, a token (cis490 token create) or [listen.tls] client_ca_file';

test('a door that others reach needs a credential', (t) => {
  const token = { id: 't1', role: 'admin', sha256: 'a'.repeat(64), created_at: '2026-05-01T06:37:53.830599+00:00' };
  const expired = { ...token, expires_at: '2026-05-02T00:00:00+00:00' };
  const path = writeConfig(t, '');
  const tokensFile = (name: string, content: unknown) => {
    const file = join(dirname(path), name);
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return `[auth]\ntokens_file = "${file}"\n`;
  };
  const key = join(dirname(path), 'k.key');
  writeFileSync(key, 'x', { mode: 0o600 });
  const host = (found: string) =>
    `2: [listen] host: found "${found}", which others reach, while no credential is configured; allowed: a loopback address such as "127.0.0.1", or any ${CREDENTIALS}`;
  const proxies = (line: number) =>
    `${line}: [listen] trusted_proxies: found proxies, through which others reach it, while no credential is configured; allowed: [], or any ${CREDENTIALS}`;
  const open = '[listen]\nhost = "0.0.0.0"\n';
  const cases: [text: string, ...mistakes: string[]][] = [
    [open, host('0.0.0.0')],
    ['[listen]\nhost = "::"\n', host('::')],
    ['[listen]\nhost = "receiver.example.org"\n', host('receiver.example.org')],
    ['[listen]\ntrusted_proxies = ["127.0.0.1"]\n', proxies(2)],
    [`${open}trusted_proxies = ["10.0.0.0/8"]\n`, host('0.0.0.0'), proxies(3)],
    [`${open}tls.cert_file = "c"\ntls.key_file = "${key}"\n`, host('0.0.0.0')],
    [`${open}tls = { cert_file = "c", key_file = "${key}", client_ca_file = "ca" }\n`],
    [`${open}[auth]\nfleet_token_sha256 = "${'a'.repeat(64)}"\n`],
    [`${open}${tokensFile('one.json', { tokens: [token] })}`],
    [`${open}${tokensFile('expired.json', { tokens: [expired] })}`],
    [`${open}${tokensFile('none.json', { tokens: [] })}`, host('0.0.0.0')],
    ['[listen]\nhost = "localhost"\n'],
  ];
  for (const [text, ...mistakes] of cases) {
    assert.deepEqual(mistakesOf(t, `${text}[version_gate]\nenabled = false\n`), mistakes, text);
  }
});

test('a damaged tokens file is a mistake, whatever other credential there is, and its text is not shown', (t) => {
  const path = writeConfig(t, '');
  const file = join(dirname(path), 'tokens.json');
  writeFileSync(file, 'hunter2\n');
  const damaged = (line: number) =>
    `${line}: [auth] tokens_file: found a damaged one: cannot read the tokens in ${file}: it is not a JSON object with a list "tokens" and nothing else; allowed: a file as cis490 token create writes it, or a path where none is yet`;
  const text = `version_gate.enabled = false\n[auth]\ntokens_file = "${file}"\n`;
  assert.deepEqual(mistakesOf(t, text), [damaged(3)]);
  assert.deepEqual(mistakesOf(t, `${text}fleet_token_sha256 = "${'a'.repeat(64)}"\n`), [damaged(3)]);
});

test('hosts in a file join those of the list, each once', (t) => {
  const path = writeConfig(t, '');
  const file = join(dirname(path), 'hosts.txt');
  const text = `version_gate.enabled = false\n[fleet]\nexpected_hosts = ["lab-01", "lab-02"]\nhosts_file = "${file}"\n`;
  writeFileSync(file, '# the first floor\r\nlab-02\r\n\n  lab-03 # by the window\nlab-03\n');
  const { config } = loadConfig(receiverConfigDefinition, writeConfig(t, text));
  assert.deepEqual(config.fleet.expected_hosts, ['lab-01', 'lab-02', 'lab-03']);

  writeFileSync(file, 'lab-01\n../x\nlab 04\n');
  assert.deepEqual(mistakesOf(t, text), [
    `4: [fleet] hosts_file: found "../x" on line 2 of ${file}; allowed: a host id on each line`,
    `4: [fleet] hosts_file: found "lab 04" on line 3 of ${file}; allowed: a host id on each line`,
  ]);
  rmSync(file);
  assert.match(mistakesOf(t, text)[0] ?? '', /^4: \[fleet\] hosts_file: found ENOENT.*allowed: the path of a readable/);
});

test('proxies are addresses and networks of both families', (t) => {
  const text = (proxies: string[]) =>
    `[listen]\ntrusted_proxies = ${JSON.stringify(proxies)}\n[auth]\nfleet_token_sha256 = "${'a'.repeat(64)}"\n[version_gate]\nenabled = false\n`;
  const proxies = ['127.0.0.1', '10.0.0.0/8', '0.0.0.0/0', '::1', 'fd00::/8', '::1/128'];
  const { config } = loadConfig(receiverConfigDefinition, writeConfig(t, text(proxies)));
  assert.deepEqual(config.listen.trusted_proxies, proxies);
  for (const wrong of [
    '10.0.0.0/33',
    '10.0.0.0/',
    '::1/129',
    'proxy',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    '10.0.0.0/1e1',
    '',
  ]) {
    const [mistake = '', ...more] = mistakesOf(t, text(['127.0.0.1', wrong]));
    assert.ok(
      mistake.startsWith(`2: [listen] trusted_proxies[1]: found ${JSON.stringify(wrong)}`),
      `${wrong}: ${mistake}`,
    );
    assert.deepEqual(more, []);
  }
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
