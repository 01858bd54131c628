import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ConfigError } from '../lib/config/config-error.ts';
import { describeAsExample } from '../lib/config/describe-config.ts';
import { loadConfig } from '../lib/config/load-config.ts';
import { labHostConfigDefinition } from './lab-host-config.ts';

const REQUIRED = 'host_id = "h-1"\n[receiver]\nurl = "http://localhost:8490/"\n';

function writeConfig(t: TestContext, text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'lab-host-config-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'lab-host.toml');
  writeFileSync(path, text);
  return path;
}

/** `LINE: [section] key` of each mistake. */
function mistakenKeys(t: TestContext, text: string): string[] {
  try {
    loadConfig(labHostConfigDefinition, writeConfig(t, text));
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.mistakes.map(({ line, key }) => `${line}: ${key}`);
  }
}

test('the defaults', (t) => {
  const { config } = loadConfig(labHostConfigDefinition, writeConfig(t, REQUIRED));
  assert.deepEqual(config, {
    host_id: 'h-1',
    paths: { data_dir: '/var/lib/cis490/data' },
    receiver: { url: 'http://localhost:8490', connect_timeout_s: 10, idle_timeout_s: 60 },
    shipper: {
      scan_interval_s: 5,
      concurrency: 2,
      zstd_level: 3,
      order: 'oldest-first',
      resumable_above: 16 * 1024 ** 2,
      min_free: 2 * 1024 ** 3,
      shipped_keep_days: 7,
      quarantine_keep_days: 30,
      quarantine_cleanup_interval_s: 3600,
    },
    orchestrator: { enabled: false, drain_max_s: 600, workload: [] },
    autoupdate: {
      enabled: false,
      source: 'receiver',
      release_keys: [],
      branch: 'main',
      keep_releases: 3,
      health_window_s: 180,
    },
    cert: { enabled: false, renew_at: 0.66 },
    doctor: {
      backlog_yellow_s: 3600,
      backlog_red_s: 7200,
      shipper_silent_s: 600,
      quarantine_many: 100,
      quarantine_growth: 10,
      certificate_red_days: 3,
      token_yellow_days: 14,
      token_red_days: 3,
      clock_yellow_s: 30,
      clock_red_s: 120,
      stale_code_ratio: 0.8,
    },
  });
});

test('the example has every key, loads as it stands, and with every key but the secret taken out of its comment', (t) => {
  const example = describeAsExample(labHostConfigDefinition);
  const asItStands = loadConfig(labHostConfigDefinition, writeConfig(t, example));
  assert.equal(asItStands.config.host_id, 'lab-host-01');
  assert.deepEqual(asItStands.config.orchestrator.workload, []);

  const text = example.replaceAll(/^# (?=\[|[a-z_]+ = )(?!bearer_token_file)/gm, '');
  const { config, warnings } = loadConfig(labHostConfigDefinition, writeConfig(t, text));
  assert.deepEqual(warnings, []);
  assert.deepEqual(config.orchestrator.workload, [
    {
      name: 'idle',
      command: ['/usr/local/bin/record', '--seconds', '60'],
      interval_s: 300,
      queue: false,
      timeout_s: 600,
      env: {},
      schema_version: '1',
      code_root: '/opt/recorder',
    },
  ]);
});

test('an empty file lacks what has no default', (t) => {
  assert.deepEqual(mistakenKeys(t, ''), ['1: host_id', '1: [receiver] url']);
});

test('the URL is a scheme, a host and a port', (t) => {
  for (const [url, origin] of [
    ['https://receiver.example', 'https://receiver.example'],
    ['https://receiver.example:8443/', 'https://receiver.example:8443'],
    ['http://[::1]:80', 'http://[::1]'],
  ]) {
    const { config } = loadConfig(labHostConfigDefinition, writeConfig(t, `host_id = "h"\nreceiver.url = "${url}"\n`));
    assert.equal(config.receiver.url, origin);
  }
  const refused = [
    '',
    'receiver.example',
    'ftp://h',
    'https://h/path',
    'https://h/?q=1',
    'https://h/?',
    'https://h/#',
    'https://',
  ];
  for (const url of refused) {
    assert.deepEqual(mistakenKeys(t, `host_id = "h"\nreceiver.url = "${url}"\n`), ['2: [receiver] url'], url);
  }
});

test('a password in the URL is refused and not shown', (t) => {
  for (const url of ['https://user:hunter2@h', 'https://user:hunter2@ h']) {
    const path = writeConfig(t, `host_id = "h"\nreceiver.url = "${url}"\n`);
    assert.throws(
      () => loadConfig(labHostConfigDefinition, path),
      (error: Error) => /url: found a URL with a user name in it/.test(error.message) && !/hunter2/.test(error.message),
    );
  }
});

test('limits', (t) => {
  const cases: [section: string, accepted: string[], refused: string[]][] = [
    [
      'receiver',
      ['connect_timeout_s = 1', 'idle_timeout_s = "1 min"'],
      ['connect_timeout_s = 0', 'idle_timeout_s = 0'],
    ],
    [
      'shipper',
      ['concurrency = 1', 'concurrency = 16'],
      ['concurrency = 0', 'concurrency = 17', 'scan_interval_s = 0'],
    ],
    ['shipper', ['zstd_level = 1', 'zstd_level = 19'], ['zstd_level = 0', 'zstd_level = 20', 'zstd_level = "3"']],
    ['orchestrator', ['drain_max_s = 0', 'enabled = true'], ['drain_max_s = -1', 'enabled = 1']],
  ];
  for (const [section, accepted, refused] of cases) {
    const before = `host_id = "h"\nreceiver.url = "http://h"\n`;
    const loads = (line: string) => mistakenKeys(t, `${before}${section}.${line}\n`);
    for (const line of accepted) assert.deepEqual(loads(line), [], line);
    for (const line of refused) assert.deepEqual(loads(line), [`3: [${section}] ${line.split(' ')[0]}`], line);
  }
  assert.deepEqual(mistakenKeys(t, REQUIRED.replace('h-1', '../h')), ['1: host_id']);
});

test('a workload has a name of its own, a command, and an interval or a queue; every mistake is reported at once', (t) => {
  const workload = (keys: string) => `[[orchestrator.workload]]\n${keys}\n`;
  const sound = 'name = "a"\ncommand = ["true"]\ninterval_s = 5';
  assert.deepEqual(mistakenKeys(t, REQUIRED + workload(sound) + workload(sound.replace('"a"', '"b"'))), []);
  assert.deepEqual(mistakenKeys(t, REQUIRED + workload(sound) + workload(sound.replace('= 5', '= 0'))), [
    '9: [[orchestrator.workload]] name',
    '11: [[orchestrator.workload]] interval_s',
  ]);
  const cases: [keys: string, ...mistakes: string[]][] = [
    [
      '',
      '4: [[orchestrator.workload]] name',
      '4: [[orchestrator.workload]] command',
      '4: [[orchestrator.workload]] interval_s',
    ],
    [sound.replace('"a"', '"a/b"'), '5: [[orchestrator.workload]] name'],
    [sound.replace('["true"]', '[]'), '6: [[orchestrator.workload]] command'],
    [sound.replace('["true"]', '"true"'), '6: [[orchestrator.workload]] command'],
    [sound.replace('interval_s = 5', 'queue = false'), '4: [[orchestrator.workload]] interval_s'],
    [`${sound}\nqueue = true`, '8: [[orchestrator.workload]] queue'],
    [sound.replace('interval_s = 5', 'queue = "yes"'), '7: [[orchestrator.workload]] queue'],
    [sound.replace('interval_s = 5', 'queue = true')],
    [`${sound}\nqueue = false`],
    [`${sound}\ntimeout_s = 0`, '8: [[orchestrator.workload]] timeout_s'],
    [`${sound}\nenv = { "A=B" = "x" }`, '8: [[orchestrator.workload]] env.A=B'],
    [`${sound}\nenv = { A = 1 }`, '8: [[orchestrator.workload]] env.A'],
  ];
  for (const [keys, ...mistakes] of cases) assert.deepEqual(mistakenKeys(t, REQUIRED + workload(keys)), mistakes, keys);
});

test('the token comes from a private file, or from the older inline key with a warning', (t) => {
  const path = writeConfig(t, `${REQUIRED}bearer_token_file = "token"\n`);
  const tokenPath = join(path, '..', 'token');
  writeFileSync(tokenPath, 'hunter2\n');
  chmodSync(tokenPath, 0o644);
  assert.throws(() => loadConfig(labHostConfigDefinition, path), {
    message: `${path}:4: [receiver] bearer_token_file: found ${tokenPath}, which others can read or write (mode 0644); allowed: mode 0600; run: chmod 0600 ${tokenPath}`,
  });
  chmodSync(tokenPath, 0o600);
  assert.equal(loadConfig(labHostConfigDefinition, path).config.receiver.bearer_token_file?.reveal(), 'hunter2');

  writeFileSync(path, `${REQUIRED}bearer_token = "hunter2"\n`);
  const { config, warnings } = loadConfig(labHostConfigDefinition, path);
  assert.equal(config.receiver.bearer_token_file?.reveal(), 'hunter2');
  assert.deepEqual(warnings, [`${path}:4: [receiver] bearer_token is deprecated; use bearer_token_file`]);
});
