// Each kind of channel against the real thing: Debian's Alertmanager, an SMTP server with TLS and passwords, HTTP servers that fail in
// every way. Down for a while, then up: what waits arrives, grouped, and its end arrives too.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { settleRun } from '../../src/fleet-health/life-cycle/settle-run.ts';
import { openNotifiers } from '../../src/fleet-health/notify/open-notifiers.ts';
import { testChannel } from '../../src/fleet-health/notify/test-channel.ts';
import { formatWallTime, systemClock } from '../../src/lib/clock.ts';
import { ConfigError } from '../../src/lib/config/config-error.ts';
import { loadConfig } from '../../src/lib/config/load-config.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { receiverConfigDefinition } from '../../src/receiver/receiver-config.ts';
import type { MonitorState } from '../../src/storage/monitor-state.ts';
import { openMonitorState } from '../../src/storage/open-storage.ts';
import { TestAuthority } from '../support/certificates.ts';
import { eventually, freePort, PROJECT_ROOT, Program } from '../support/program.ts';
import { hasSystemPart } from '../support/system-part.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const MINUTE_MS = 60_000;
const HOSTS = Array.from({ length: 30 }, (_, index) => `lab-${String(index + 1).padStart(2, '0')}`);

/** Runs of the monitor, with a clock that the test sets, and channels as receiver.toml has them. */
class Monitor {
  readonly state: MonitorState;
  readonly lines: string[] = [];
  readonly #config: ReturnType<typeof loadChannels>;
  nowMs: number;

  private constructor(state: MonitorState, config: ReturnType<typeof loadChannels>, nowMs: number) {
    this.state = state;
    this.#config = config;
    this.nowMs = nowMs;
  }

  /** `channels`: [[fleet.notifier]] sections; their secret files lie in the same directory. */
  static async open(t: TestContext, channels: string, secrets: Record<string, string> = {}): Promise<Monitor> {
    const directory = temporaryDirectory(t);
    const config = loadChannels(directory, channels, secrets);
    const state = await openMonitorState(join(directory, 'monitor.db'));
    t.after(() => state.close());
    return new Monitor(state, config, Date.now());
  }

  get channels() {
    return this.#config.notifier;
  }

  async run(silentHosts: readonly string[], minutesLater = 5): Promise<void> {
    this.nowMs += minutesLater * MINUTE_MS;
    const nowWall = formatWallTime(Temporal.Instant.fromEpochMilliseconds(this.nowMs));
    const clock = { wallTime: () => nowWall, monotonicMs: () => 0, sleep: async () => undefined };
    const options = {
      state: this.state,
      notifiers: openNotifiers(this.channels),
      heartbeatUrl: undefined,
      recoveryRuns: 2,
      reminderS: 3_600,
      logger: createLogger({ level: 'debug', form: 'plain', clock, write: (line) => this.lines.push(line) }),
      clock,
      random: () => 0,
    };
    await settleRun(options, {
      nowMs: this.nowMs,
      nowWall,
      findings: silentHosts.map((host) => {
        return { host, symptom: 'silent', detail: 'stored nothing for 31 min', suggestedFix: `ssh ${host} true` };
      }),
      canTell: () => true,
      retired: new Set(),
      isWhole: true,
      memory: '',
    });
  }

  async waiting(): Promise<number> {
    return (await this.state.waitingNotifications()).length;
  }

  async lastError(): Promise<string> {
    return (await this.state.channels())[0]?.lastError ?? '';
  }
}

function writeConfig(directory: string, channels: string, secrets: Record<string, string> = {}): string {
  for (const [name, secret] of Object.entries(secrets)) {
    writeFileSync(join(directory, name), `${secret}\n`, { mode: 0o600 });
  }
  const path = join(directory, 'receiver.toml');
  writeFileSync(path, `version_gate.enabled = false\n${channels}`);
  return path;
}

function loadChannels(directory: string, channels: string, secrets: Record<string, string>) {
  return loadConfig(receiverConfigDefinition, writeConfig(directory, channels, secrets)).config.fleet;
}

interface Received {
  headers: IncomingMessage['headers'];
  body: string;
}

type Behaviour = 'take' | 'refuse' | 'reset' | 'redirect' | 'slow';

/** An HTTP server that does with each request what it is told at the time. */
async function httpSink(t: TestContext) {
  const sink = { url: '', behaviour: 'take' as Behaviour, received: [] as Received[], elsewhere: 0 };
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    if (request.url === '/elsewhere') sink.elsewhere += 1;
    if (sink.behaviour === 'reset') return request.socket.resetAndDestroy();
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    if (sink.behaviour === 'refuse') return response.writeHead(500).end('out of order');
    if (sink.behaviour === 'redirect') return response.writeHead(307, { Location: '/elsewhere' }).end();
    sink.received.push({ headers: request.headers, body });
    if (sink.behaviour === 'take') return response.writeHead(200).end('ok');
    // Byte by byte, and never to its end.
    response.writeHead(200);
    response.write('o');
    return response;
  }).listen(0, '127.0.0.1');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  sink.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/T0-secret`;
  return sink;
}

test('webhook: down in every way, then up: one signed message of all hosts, and later their end', async (t) => {
  const sink = await httpSink(t);
  const channel = `[[fleet.notifier]]\nname = "on-call"\nkind = "webhook"\nurl = "${sink.url}"\nsecret_file = "key"\n`;
  const monitor = await Monitor.open(t, channel, { key: 'hunter2' });
  const errors: string[] = [];
  for (const behaviour of ['refuse', 'reset', 'redirect'] as const) {
    sink.behaviour = behaviour;
    await monitor.run(HOSTS);
    errors.push(await monitor.lastError());
  }
  const { origin } = new URL(sink.url);
  assert.deepEqual(errors, [
    `${origin} answered 500 Internal Server Error: out of order`,
    `no answer from ${origin}: read ECONNRESET`,
    `${origin} answered 307 Temporary Redirect`,
  ]);
  assert.deepEqual([sink.received.length, sink.elsewhere, await monitor.waiting()], [0, 0, HOSTS.length]);

  sink.behaviour = 'slow';
  await monitor.run(HOSTS);
  sink.behaviour = 'take';
  await monitor.run([HOSTS[0] ?? '']);
  await monitor.run([HOSTS[0] ?? '']);
  const documents = sink.received.map(({ headers, body }) => {
    const expected = `sha256=${createHmac('sha256', 'hunter2').update(body).digest('hex')}`;
    assert.equal(headers['x-cis490-signature'], expected);
    assert.equal(headers['content-type'], 'application/json');
    return JSON.parse(body);
  });
  assert.deepEqual(
    documents.map(({ version, status, title }) => [version, status, title]),
    [
      [1, 'firing', 'cis490 FIRING silent: 30 hosts'],
      [1, 'resolved', 'cis490 RESOLVED silent: 29 hosts'],
    ],
  );
  const [firing, resolved] = documents;
  assert.equal(Date.parse(firing.generated_at), monitor.nowMs - 2 * 5 * MINUTE_MS, 'the time is in what is signed');
  assert.deepEqual(firing.groups, [
    {
      kind: 'firing',
      symptom: 'silent',
      severity: 'critical',
      count: 30,
      hosts: HOSTS.slice(0, 20),
      suggested_fix: 'ssh lab-01 true',
    },
  ]);
  assert.deepEqual(
    firing.alerts.map(({ host }: { host: string }) => host),
    HOSTS,
  );
  assert.deepEqual(
    resolved.alerts.map(({ host }: { host: string }) => host),
    HOSTS.slice(1),
  );
  assert.deepEqual(resolved.alerts[0].id, firing.alerts[1].id);
  assert.equal(await monitor.waiting(), 0);
  assert.deepEqual(
    monitor.lines.map((line) => line.split(' ')[1]),
    ['WARNING', 'INFO'],
  );
  assert.doesNotMatch(monitor.lines.join(''), /hunter2|T0-secret/);
});

test('ntfy: title, priority and tags as headers, and a text that it takes as a message', async (t) => {
  const sink = await httpSink(t);
  const channel = `[[fleet.notifier]]\nname = "phone"\nkind = "ntfy"\nurl = "${sink.url}"\ntoken_file = "token"\n`;
  const monitor = await Monitor.open(t, channel, { token: 'tk_hunter2' });
  sink.behaviour = 'refuse';
  await monitor.run(HOSTS);
  sink.behaviour = 'take';
  await monitor.run(HOSTS);
  await monitor.run([]);
  await monitor.run([]);
  const told = sink.received.map(({ headers: { title, priority, tags, authorization }, body }) => {
    assert.equal(authorization, 'Bearer tk_hunter2');
    assert.ok(Buffer.byteLength(body) <= 4_096);
    return [title, priority, tags, body.split('\n')[2]];
  });
  assert.deepEqual(told, [
    ['cis490 FIRING silent: 30 hosts', '5', 'rotating_light', 'silent (critical): 30 hosts'],
    ['cis490 RESOLVED silent: 30 hosts', '3', 'white_check_mark', 'silent (critical): 30 hosts'],
  ]);
});

interface Mail {
  to: string[];
  user: string | undefined;
  secure: boolean;
  text: string;
}

/** A mail server; it refuses the recipient `gone@example.org`. */
async function mailServer(t: TestContext, options: SMTPServerOptions, port = 0) {
  const mails: Mail[] = [];
  const server = new SMTPServer({
    ...options,
    disableReverseLookup: true,
    onAuth: ({ username, password }, _session, done) => {
      if (username === 'ada' && password === 'hunter2') done(null, { user: username });
      else done(new Error(`bad login ${username} ${password}`));
    },
    onRcptTo: ({ address }, _session, done) => {
      if (address === 'gone@example.org') done(new Error('no such user'));
      else done();
    },
    onData: (stream, session, done) => {
      let text = '';
      stream.setEncoding('utf8');
      stream.on('data', (chunk: string) => {
        text += chunk;
      });
      stream.on('end', () => {
        const to = session.envelope.rcptTo.map(({ address }) => address);
        mails.push({
          to,
          user: session.user === undefined ? undefined : String(session.user),
          secure: session.secure,
          text,
        });
        done();
      });
    },
  });
  // A client that trusts nothing here ends the handshake.
  server.on('error', () => undefined);
  const listening = Promise.withResolvers<void>();
  server.listen(port, '127.0.0.1', () => listening.resolve());
  await listening.promise;
  const close = async () => {
    const closed = Promise.withResolvers<void>();
    server.close(() => closed.resolve());
    await closed.promise;
  };
  t.after(close);
  return { mails, close, port: (server.server.address() as AddressInfo).port };
}

function mailChannel(port: number, more: string): string {
  return `[[fleet.notifier]]\nname = "mail"\nkind = "email"\nsmtp_host = "127.0.0.1"\nsmtp_port = ${port}\n${more}
from = "CIS490 <cis490@example.org>"\nto = ["ada@example.org", "bob@example.org"]\n`;
}

const LOGIN = 'username = "ada"\npassword_file = "password"';

test('email: the server down, then up: one mail with all hosts, another with their end', async (t) => {
  const first = await mailServer(t, { disabledCommands: ['STARTTLS', 'AUTH'] });
  const monitor = await Monitor.open(t, mailChannel(first.port, 'tls = "none"'));
  await first.close();
  await monitor.run(HOSTS);
  assert.match(await monitor.lastError(), /^the mail server 127\.0\.0\.1:\d+ did not take it: .*ECONNREFUSED/);
  const { mails } = await mailServer(t, { disabledCommands: ['STARTTLS', 'AUTH'] }, first.port);
  await monitor.run(HOSTS);
  await monitor.run([]);
  await monitor.run([]);
  assert.deepEqual(
    mails.map(({ text }) => /^Subject: (.*)$/m.exec(text)?.[1]?.trim()),
    ['cis490 FIRING silent: 30 hosts', 'cis490 RESOLVED silent: 30 hosts'],
  );
  const [mail] = mails;
  assert.deepEqual([mail?.to, mail?.secure], [['ada@example.org', 'bob@example.org'], false]);
  assert.match(mail?.text ?? '', /^From: CIS490 <cis490@example\.org>\r?$/m);
  assert.match(mail?.text ?? '', /^Auto-Submitted: auto-generated\r?$/m);
  assert.match(mail?.text ?? '', /lab-20 and 10 more/);
  assert.equal(await monitor.waiting(), 0);
});

test('email: STARTTLS and TLS from the first byte, with a login; a certificate that is not trusted gets nothing', async (t) => {
  const authority = TestAuthority.create(join(temporaryDirectory(t), 'ca'));
  const issued = authority.issue({ subject: '/CN=127.0.0.1', usage: 'serverAuth', san: 'IP:127.0.0.1' });
  const keyPair = { key: issued.key, cert: issued.cert };
  const before = getCACertificates('default');
  t.after(() => setDefaultCACertificates(before));
  for (const tls of ['starttls', 'implicit']) {
    setDefaultCACertificates(before);
    const { mails, port } = await mailServer(t, { ...keyPair, secure: tls === 'implicit' });
    const monitor = await Monitor.open(t, mailChannel(port, `tls = "${tls}"\n${LOGIN}`), { password: 'hunter2' });
    await monitor.run(['lab-01']);
    assert.match(await monitor.lastError(), /certificate/);
    assert.deepEqual(mails, []);
    setDefaultCACertificates([...before, readFileSync(authority.certFile, 'utf8')]);
    await monitor.run(['lab-01']);
    assert.deepEqual(
      mails.map(({ user, secure }) => [user, secure]),
      [['ada', true]],
      tls,
    );
  }
});

test('email: a server without STARTTLS gets neither the password nor the mail; a wrong password is not told', async (t) => {
  const plain = await mailServer(t, { disabledCommands: ['STARTTLS'], allowInsecureAuth: true });
  const careful = await Monitor.open(t, mailChannel(plain.port, LOGIN), { password: 'hunter2' });
  await careful.run(['lab-01']);
  assert.match(await careful.lastError(), /STARTTLS/i);
  const wrong = await Monitor.open(t, mailChannel(plain.port, `tls = "none"\n${LOGIN}`), { password: 'hunter3' });
  await wrong.run(['lab-01']);
  assert.match(await wrong.lastError(), /bad login ada \[redacted\]/);
  assert.doesNotMatch(wrong.lines.join(''), /hunter3/);
  assert.deepEqual(plain.mails, []);
});

test('email: who is not known there is told in the log, and the others get it once', async (t) => {
  const { mails, port } = await mailServer(t, { disabledCommands: ['STARTTLS', 'AUTH'] });
  const channel = mailChannel(port, 'tls = "none"').replace('bob@', 'gone@');
  const monitor = await Monitor.open(t, channel);
  await monitor.run(['lab-01']);
  await monitor.run(['lab-01']);
  assert.deepEqual(
    mails.map(({ to }) => to),
    [['ada@example.org']],
  );
  assert.match(
    monitor.lines.join(''),
    /WARNING a channel took a message in part channel=mail reason=.*gone@example\.org/,
  );
});

test('cis490 alerts test: tells what came back; exit 0 taken, 1 not, 2 no such channel', async (t) => {
  const sink = await httpSink(t);
  const channels = `[[fleet.notifier]]\nname = "on-call"\nkind = "webhook"\nurl = "${sink.url}"
[[fleet.notifier]]\nname = "phone"\nkind = "ntfy"\nurl = "${sink.url}"\n`;
  const config = writeConfig(temporaryDirectory(t), channels);
  const send = async (channel: string) => {
    const program = Program.cis490(['alerts', 'test', channel, '--config', config]);
    const { code } = await program.ended;
    return { code, said: program.stdout + program.stderr };
  };
  assert.deepEqual(await send('on-call'), { code: 0, said: 'on-call took it: 200 OK\n' });
  const { status, title, groups } = JSON.parse(sink.received[0]?.body ?? '');
  assert.deepEqual([status, title, groups], ['test', 'cis490 test of on-call', []]);
  sink.behaviour = 'redirect';
  const { origin } = new URL(sink.url);
  assert.deepEqual(await send('phone'), {
    code: 1,
    said: `cis490: ${origin} answered 307 Temporary Redirect
cis490: redirects are not followed: configure the address that it leads to\n`,
  });
  assert.deepEqual(await send('fax'), {
    code: 2,
    said: 'cis490: no channel is called "fax"\ncis490: configured: on-call, phone\n',
  });
});

test('a channel whose keys do not go together is refused, and nothing secret is shown', (t) => {
  const directory = temporaryDirectory(t);
  const section = '[[fleet.notifier]]\nname = "a"\n';
  const cases: Array<[text: string, ...mistakes: RegExp[]]> = [
    [
      `${section}kind = "webhook"\n`,
      /\[\[fleet\.notifier\]\] url: found no such key; allowed: one: kind = "webhook" needs it/,
    ],
    [
      `${section}kind = "ntfy"\nurl = "https://ntfy.example/t"\nsmtp_host = "m"\n`,
      /smtp_host: found a key of another kind; allowed: with kind = "ntfy" url, token_file/,
    ],
    [`${section}kind = "email"\n`, / smtp_host: /, / from: /, / to: /],
    [
      `${section}kind = "email"\nsmtp_host = "m"\nfrom = "a@b"\nto = ["c@d"]\nusername = "u"\n`,
      /username: found one of username and password_file; allowed: both, or neither/,
    ],
    [
      `${section}kind = "webhook"\nurl = "hooks.example/T0-secret"\n`,
      /url: found text \(not shown\); allowed: an http or https URL/,
    ],
    [
      `${section}kind = "webhoook"\n`,
      /kind: found "webhoook".*; allowed: "webhook" or "ntfy" or "alertmanager" or "email"/,
    ],
    [`${section}kind = "ntfy"\nurl = "https://n/t"\n`.repeat(2), /name: found "a", which another notifier has/],
    [
      `${section}kind = "email"\nsmtp_host = "m"\nfrom = "a@b\\r\\nBcc: x@y"\nto = ["c@d"]\n`,
      /from: .*allowed: a mail address/,
    ],
  ];
  for (const [text, ...mistakes] of cases) {
    const error = (() => {
      try {
        return loadConfig(receiverConfigDefinition, writeConfig(directory, text)) && undefined;
      } catch (caught) {
        return caught;
      }
    })();
    assert.ok(error instanceof ConfigError, text);
    assert.equal(error.mistakes.length, mistakes.length, error.message);
    for (const mistake of mistakes) assert.match(error.message, mistake);
    assert.doesNotMatch(error.message, /T0-secret/);
  }
});

test('every configuration in docs/alerts.md loads, all of them in one file too', (t) => {
  const page = readFileSync(join(PROJECT_ROOT, 'docs/alerts.md'), 'utf8');
  const snippets = [...page.matchAll(/^```toml\n(.*?)^```/gms)].map(([, toml = '']) => toml);
  const secrets = { 'webhook-secret': 'x', 'ntfy-token': 'x', 'mail-password': 'x' };
  const { notifier, heartbeat_url } = loadChannels(temporaryDirectory(t), snippets.toReversed().join(''), secrets);
  assert.deepEqual(notifier.map(({ kind }) => kind).sort(), ['alertmanager', 'email', 'ntfy', 'webhook']);
  assert.match(heartbeat_url ?? '', /^https:/);
  const mail = notifier.find((channel) => channel.kind === 'email');
  assert.deepEqual([mail?.smtp_port, mail?.tls, mail?.password_file?.reveal()], [587, 'starttls', 'x']);
});

interface AlertmanagerAlert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAt: string;
  endsAt: string;
}

test('Alertmanager: down, then up: it knows all that fires, and tells the end of it on', async (t) => {
  if (!hasSystemPart(t, ['prometheus-alertmanager', '--version'], 'prometheus-alertmanager')) return;
  const told = await httpSink(t);
  const port = await freePort();
  const monitor = await Monitor.open(
    t,
    `[[fleet.notifier]]\nname = "am"\nkind = "alertmanager"\nurl = "http://127.0.0.1:${port}/"\n`,
  );
  const silent = HOSTS.slice(0, 3);
  await monitor.run(silent, 0);
  assert.match(await monitor.lastError(), /ECONNREFUSED/);

  const address = `http://127.0.0.1:${port}`;
  await startAlertmanager(t, { address, port, webhook: told.url });
  const [notifier] = openNotifiers(monitor.channels);
  assert.deepEqual(await testChannel(notifier ? [notifier] : [], 'am', systemClock), { answer: '200 OK' });
  assert.deepEqual(
    (await firingIn(address)).map(({ labels }) => labels['alertname']),
    ['test'],
  );
  await monitor.run(silent, 0);
  assert.equal(await monitor.lastError(), '');
  const isSilent = ({ labels }: AlertmanagerAlert) => labels['alertname'] === 'silent';
  const alerts = (await firingIn(address)).filter(isSilent);
  assert.deepEqual(
    alerts.map(({ labels }) => labels).sort((left, right) => ((left['host'] ?? '') < (right['host'] ?? '') ? -1 : 1)),
    silent.map((host) => ({ alertname: 'silent', host, severity: 'critical', service: 'cis490' })),
  );
  const [first] = alerts;
  assert.match(first?.annotations['suggested_fix'] ?? '', /^ssh lab-0\d true$/);
  assert.equal(first?.annotations['summary'], 'stored nothing for 31 min');
  assert.equal(Date.parse(first?.endsAt ?? ''), monitor.nowMs + 20 * MINUTE_MS);

  await eventually(
    () => told.received.some(({ body }) => JSON.parse(body).groupLabels.alertname === 'silent'),
    'it told that they fire',
  );
  await monitor.run([], 0);
  await monitor.run([], 0);
  assert.deepEqual((await firingIn(address)).filter(isSilent), []);
  await eventually(
    () => told.received.some(({ body }) => /"status":"resolved".*"alertname":"silent"/.test(body)),
    'it told their end',
  );
});

interface AlertmanagerPlace {
  address: string;
  port: number;
  webhook: string;
}

async function startAlertmanager(t: TestContext, { address, port, webhook }: AlertmanagerPlace): Promise<void> {
  const directory = temporaryDirectory(t);
  const config = join(directory, 'alertmanager.yml');
  writeFileSync(
    config,
    `route: {receiver: sink, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}
receivers: [{name: sink, webhook_configs: [{url: '${webhook}', send_resolved: true}]}]\n`,
  );
  const program = Program.command('prometheus-alertmanager', [
    `--config.file=${config}`,
    `--storage.path=${directory}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--cluster.listen-address=',
  ]);
  t.after(() => program.kill());
  await eventually(async () => {
    const answer = await fetch(`${address}/-/ready`).catch(() => undefined);
    return answer?.ok ?? false;
  }, 'Alertmanager is ready');
}

async function firingIn(address: string): Promise<AlertmanagerAlert[]> {
  const answer = await fetch(`${address}/api/v2/alerts`);
  return (await answer.json()) as AlertmanagerAlert[];
}
