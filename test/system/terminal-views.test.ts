// `cis490 fleet` and `cis490 alerts` as the maintainer runs them: against the real receiver, over HTTP and TLS, and on a real terminal.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';
import { openMonitorState } from '../../src/storage/open-storage.ts';
import { TestAuthority } from '../support/certificates.ts';
import { sha256 } from '../support/episodes.ts';
import { TestFleet } from '../support/fleet.ts';
import { Program } from '../support/program.ts';
import { send } from '../support/put.ts';
import { hasSystemPart } from '../support/system-part.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const EXPECTED = '[fleet]\nexpected_hosts = ["lab-1", "lab-2"]\n';
const CURE = "ssh lab-1 'cis490 shipper --ping'";
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for.
const DRIVES_A_TERMINAL = /[\x00-\x09\x0b-\x1f\x7f-\x9f]/;

interface Printed {
  code: number | null;
  stdout: string;
  stderr: string;
}

async function cis490(args: string[], environment: NodeJS.ProcessEnv = {}): Promise<Printed> {
  // Whoever runs the tests may have a receiver of their own.
  const unset = { CIS490_RECEIVER_URL: undefined, CIS490_TOKEN_FILE: undefined, CIS490_CA_FILE: undefined };
  const program = Program.cis490(args, { ...unset, CIS490_CONFIG: undefined, ...environment });
  const { code } = await program.ended;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

/** As the monitor leaves it. */
async function plantAlert(fleet: TestFleet): Promise<void> {
  const monitor = await openMonitorState(join(fleet.store, 'monitor.db'));
  const at = systemClock.wallTime();
  const alert = { id: '1a2b3c4d', host: 'lab-1', symptom: 'refused', severity: 'critical', state: 'firing' } as const;
  const unheard = { resolvedAt: null, goodRuns: 0, suppressedBy: null, silencedBy: null, notifiedAt: null };
  const told = { detail: '12 episodes are held', suggestedFix: CURE, firstAt: at, lastAt: at };
  await monitor.applyRun({
    alerts: [{ ...alert, ...told, ...unheard }],
    notifications: [],
    memory: '{}',
    ranAt: at,
    forgetResolvedBefore: '2000-01-01T00:00:00.000000+00:00',
  });
  await monitor.close();
}

async function startFleet(t: TestContext, keys = EXPECTED): Promise<TestFleet> {
  const fleet = await TestFleet.create(temporaryDirectory(t), keys);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  return fleet;
}

function writeSecret(path: string, content: string): string {
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}

test('on the receiver’s own machine: seen, acknowledged, silenced, and told again', async (t) => {
  const fleet = await startFleet(t);
  await plantAlert(fleet);
  const run = (...args: string[]) => cis490([...args, '--config', fleet.receiverConfig]);

  const seen = await run('fleet');
  assert.equal(seen.code, 0, seen.stderr);
  assert.match(seen.stdout, /^2 of 2 hosts are not well: .*1 refused/);
  assert.match(seen.stdout, /\nlab-1 +refused +never .* refused\nlab-2 +never-seen /);
  assert.ok(seen.stdout.includes(`\nrefused: lab-1 — 12 episodes are held\n    ${CURE}\n`), seen.stdout);

  const shown = await run('fleet', 'show', 'lab-1');
  assert.match(
    shown.stdout,
    /^lab-1 is refused: 1 alert open\n {2}1a2b3c4d {2}refused {2}critical, .*\n {6}12 episodes are held\n/,
  );
  assert.ok(shown.stdout.includes(CURE));

  assert.match((await run('alerts')).stdout, /^1 alert open: 1 critical\n\n {2}1a2b3c4d {2}lab-1 {2}refused /);
  assert.match((await run('alerts', '--host', 'lab-2')).stdout, /^No alert is open\.\n$/);
  assert.match((await run('alerts', '--state', 'resolved')).stdout, /^No alert is open\.\n$/);

  const acknowledged = await run('alerts', 'ack', '1a2b3c4d', '--reason', 'token comes today');
  assert.equal(
    acknowledged.stdout,
    'acknowledged 1a2b3c4d: no more reminders until it is resolved\n',
    acknowledged.stderr,
  );
  assert.match((await run('alerts')).stdout, /acknowledged by this machine, .*: token comes today\n/);

  const silenced = await run('alerts', 'silence', '--host', 'lab-1', '--for', '2h', '--reason', 'moves');
  const [, silence = ''] = /^silenced (\w{8}): lab-1, every symptom, until /.exec(silenced.stdout) ?? [];
  assert.notEqual(silence, '', silenced.stderr);
  assert.match(
    (await run('alerts', 'silences')).stdout,
    new RegExp(`\\n${silence}  lab-1  every    (?:2 h|119 min) more `),
  );
  assert.match((await run('fleet')).stdout, /\nlab-1 .* \(refused\)\n/);

  const ended = await run('alerts', 'unsilence', silence);
  assert.equal(ended.stdout, `ended silence ${silence}: what still fires is told again\n`, ended.stderr);
  assert.match((await run('alerts', 'silences')).stdout, / ended /);
});

test('--json is the receiver’s own answer', async (t) => {
  const fleet = await startFleet(t);
  await plantAlert(fleet);
  for (const [args, target] of [
    [['fleet'], '/v1/fleet'],
    [['fleet', 'show', 'lab-1'], '/v1/fleet/lab-1'],
    [['alerts'], '/v1/alerts?state=firing&limit=1000'],
    [['alerts', 'silences'], '/v1/silences'],
  ] as const) {
    const { stdout, stderr } = await cis490([...args, '--json', '--url', fleet.url]);
    const { generated_at, ...told } = JSON.parse(stdout || '{}');
    const { generated_at: another, ...own } = (await send(fleet.port, target)).json;
    assert.equal(typeof generated_at, typeof another);
    assert.deepEqual(told, own, stderr);
  }
});

describe('what is not there', () => {
  test('names the command that lists what is', async (t) => {
    const fleet = await startFleet(t);
    for (const [args, list] of [
      [['fleet', 'show', 'lab-9'], /see which there are: cis490 fleet\n/],
      [['alerts', 'ack', '00000000', '--reason', 'r'], /see which there are: cis490 alerts\n/],
      [['alerts', 'unsilence', '00000000'], /see which there are: cis490 alerts silences\n/],
    ] as const) {
      const { code, stderr } = await cis490([...args, '--url', fleet.url]);
      assert.match(stderr, list);
      assert.equal(code, 1);
    }
  });

  test('bad usage ends with 2, before anybody is asked', async () => {
    const url = ['--url', 'http://127.0.0.1:9'];
    for (const [args, said] of [
      [['fleet'], /no receiver is named.*\n.*--url/],
      [['fleet', '--url', 'receiver:8490'], /must be an http or https URL/],
      [['fleet', '--watch', '--json', ...url], /--watch draws/],
      [['fleet', '--token-file', '/nothing', ...url], /token file/],
      [['fleet', '--ca-file', '/nothing', ...url], /certificate file cannot be read/],
      [['alerts', 'silence', '--for', '2h', '--reason', 'r', ...url], /--host, --symptom/],
      [['alerts', 'silence', '--symptom', 'sad', '--for', '2h', '--reason', 'r', ...url], /Allowed choices/],
      [['alerts', 'ack', 'x', ...url], /--reason/],
    ] as const) {
      const { code, stderr } = await cis490([...args]);
      assert.match(stderr, said);
      assert.equal(code, 2, args.join(' '));
    }
  });
});

test('credentials: by file or environment, of the right role, readable by nobody else', async (t) => {
  const fleet = await startFleet(t, `[auth]\nfleet_token_sha256 = "${sha256('x')}"\n${EXPECTED}`);
  await plantAlert(fleet);
  const { stdout: token } = await cis490(['token', 'create', '--role', 'reader', '--config', fleet.receiverConfig]);
  const file = writeSecret(join(fleet.root, 'reader.token'), token);

  const without = await cis490(['fleet', '--config', fleet.receiverConfig]);
  assert.equal(without.code, 1);
  assert.match(without.stderr, /wants a credential.*\n.*cis490 token create --role reader .*--token-file/);

  for (const [args, environment] of [
    [['fleet', '--url', fleet.url, '--token-file', file], {}],
    [['fleet', '--url', fleet.url, '--token-file', file, 'show', 'lab-1'], {}],
    [['fleet', '--config', fleet.receiverConfig], { CIS490_TOKEN_FILE: file }],
    [['alerts'], { CIS490_TOKEN_FILE: file, CIS490_RECEIVER_URL: fleet.url }],
    [
      ['alerts', '--url', fleet.url, 'silences'],
      { CIS490_TOKEN_FILE: file, CIS490_RECEIVER_URL: 'http://127.0.0.1:9' },
    ],
  ] as const) {
    const { code, stderr } = await cis490([...args], environment);
    assert.equal(code, 0, stderr);
  }

  const reader = await cis490(['alerts', 'ack', '1a2b3c4d', '--reason', 'r', '--url', fleet.url, '--token-file', file]);
  assert.equal(reader.code, 1);
  assert.match(reader.stderr, /does not allow it.*\n.*cis490 token create --role admin/);

  chmodSync(file, 0o644);
  const open = await cis490(['fleet', '--url', fleet.url, '--token-file', file]);
  assert.equal(open.code, 2);
  assert.match(open.stderr, /others can read.*\n.*chmod 0600/);
  assert.doesNotMatch(open.stderr, new RegExp(token.trim()));
});

test('TLS: its own certificate is known on its machine; elsewhere the authority must be', async (t) => {
  const root = temporaryDirectory(t);
  const authority = TestAuthority.create(join(root, 'ca'));
  const { certFile, keyFile } = authority.issueForServer({ san: 'DNS:localhost' });
  chmodSync(keyFile, 0o600);
  const fleet = await TestFleet.create(
    root,
    `${EXPECTED}[listen.tls]\ncert_file = "${certFile}"\nkey_file = "${keyFile}"\n`,
  );
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const url = `https://localhost:${fleet.port}`;
  const wrong = TestAuthority.create(join(root, 'other'), 'Other CA').certFile;
  for (const [name, args, code, said] of [
    [
      'by its own configuration, though the certificate is not for 127.0.0.1',
      ['--config', fleet.receiverConfig],
      0,
      /^$/,
    ],
    ['with its authority', ['--url', url, '--ca-file', authority.certFile], 0, /^$/],
    ['with none', ['--url', url], 1, /not trusted.*\n.*--ca-file/],
    ['with another', ['--url', url, '--ca-file', wrong], 1, /not trusted.*\n.*--ca-file/],
    ['under another name', ['--url', `https://127.0.0.1:${fleet.port}`, '--ca-file', authority.certFile], 1, /--url/],
  ] as const) {
    await t.test(name, async () => {
      const printed = await cis490(['fleet', ...args]);
      assert.equal(printed.code, code, printed.stderr);
      assert.match(printed.stderr, said);
    });
  }
});

/** What answers anything that is asked, with the same. */
async function answering(t: TestContext, body: string, type = 'application/json'): Promise<string> {
  const server = createServer((_request, response) => response.setHeader('Content-Type', type).end(body));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('nobody answers, or somebody else', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t), EXPECTED);
  const down = await cis490(['fleet', '--config', fleet.receiverConfig]);
  assert.equal(down.code, 1);
  assert.match(down.stderr, /does not answer.*\n.*systemctl status cis490-receiver/);
  const page = await cis490(['alerts', '--url', await answering(t, '<html>', 'text/html')]);
  assert.match(page.stderr, /is no receiver/);
});

function manyHosts(count: number, more: object = {}): string {
  const hosts = Array.from({ length: count }, (_, index) => ({ host_id: `lab-${index}`, state: 'ok', ...more }));
  return JSON.stringify({ generated_at: systemClock.wallTime(), head: null, hosts });
}

test('1,000 hosts, each with a line, and no word of theirs drives the terminal', async (t) => {
  const evil = 'e\u001b]0;x\u0007\u009b2J\u202e';
  const alerts = [
    { id: evil, symptom: evil, severity: evil, detail: evil, suggested_fix: `${evil}\n${evil}`, since: evil },
  ];
  const heartbeat = { held: { count: 1, code: evil }, machine: evil, backlog: { episodes: 1 } };
  const doctor = {
    status: evil,
    red: [{ id: evil, meaning: evil, cure: evil }],
    checks: [{ id: evil, status: 'red', summary: evil }],
  };
  const url = await answering(t, manyHosts(1000, { state: evil, commit: evil, alerts, heartbeat, doctor }));
  const { stdout, code } = await cis490(['fleet', '--url', url]);
  assert.equal(code, 0);
  assert.equal(stdout.match(/^lab-\d+ /gm)?.length, 1000);
  assert.doesNotMatch(stdout, DRIVES_A_TERMINAL);
  const { stdout: json } = await cis490(['fleet', '--url', url, '--json']);
  assert.doesNotMatch(json, DRIVES_A_TERMINAL);
  assert.equal(JSON.parse(json).hosts[0].state, evil);
  const one = await answering(
    t,
    JSON.stringify({ host_id: 'lab-1', alerts, heartbeat, doctor, commit: evil, outcomes: { [evil]: 1 } }),
  );
  const shown = await cis490(['fleet', 'show', 'lab-1', '--url', one]);
  assert.match(shown.stdout, /^lab-1 is sick: 1 alert open/);
  assert.doesNotMatch(shown.stdout, DRIVES_A_TERMINAL);
});

describe('on a terminal', () => {
  const ENTER = '\x1b[?1049h\x1b[?25l';
  const LEAVE = '\x1b[?25h\x1b[?1049l';

  /** `script` gives it one of 60 × 12; `exec`, so that the number that is printed is that of the program. */
  function onTerminal(args: string, environment: NodeJS.ProcessEnv = {}): Program {
    const launcher = join(import.meta.dirname, '../../bin/cis490');
    const command = `stty cols 60 rows 12 -onlcr; echo "pid $$"; exec ${launcher} ${args}`;
    return Program.command('script', ['-qec', command, '/dev/null'], {
      NO_COLOR: '',
      TERM: 'xterm',
      SHELL: '/bin/sh',
      ...environment,
    });
  }

  test('colours, no line wider than it is, and none of them for NO_COLOR', async (t) => {
    if (!hasSystemPart(t, ['script', '--version'], 'bsdutils')) return;
    const url = await answering(
      t,
      manyHosts(3, { alerts: [{ id: '1', symptom: 'silent', suggested_fix: 'mend it' }], state: 'silent' }),
    );
    const coloured = onTerminal(`fleet --url ${url}`);
    assert.equal((await coloured.ended).code, 0, coloured.stdout);
    assert.ok(coloured.stdout.includes('\x1b[31;1m3 of 3 hosts are not well'), coloured.stdout);
    const plain = onTerminal(`fleet --url ${url}`, { NO_COLOR: '1' });
    await plain.ended;
    const lines = plain.stdout.split(/\r?\n/);
    assert.ok(
      lines.some((line) => line.startsWith('lab-2 ')),
      plain.stdout,
    );
    assert.deepEqual(
      lines.filter((line) => line.length > 60),
      [],
    );
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there.
    assert.doesNotMatch(plain.stdout, /\x1b/);
  });

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    test(`--watch has a screen of its own until ${signal}, and leaves the terminal as it was`, async (t) => {
      if (!hasSystemPart(t, ['script', '--version'], 'bsdutils')) return;
      const watching = onTerminal(`fleet --watch --url ${await answering(t, manyHosts(1000))}`);
      const [, pid = ''] = await watching.printed(/pid (\d+)/);
      await watching.printed(/more hosts: cis490 fleet/);
      process.kill(Number(pid), signal);
      assert.equal((await watching.ended).code, 0, watching.stdout);
      const drawn = watching.stdout.slice(watching.stdout.indexOf(ENTER) + ENTER.length);
      assert.ok(watching.stdout.includes(ENTER));
      assert.ok(drawn.endsWith(LEAVE), JSON.stringify(drawn.slice(-40)));
      const screen = drawn.split('\x1b[H')[1] ?? '';
      assert.ok(screen.split('\n').length <= 12, screen);
    });
  }
});
