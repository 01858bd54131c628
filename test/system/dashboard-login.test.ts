// Logging in to the dashboard, over real sockets: who may, what the cookie is good for, when it ends, and what other web pages cannot do with it.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { loadConfig } from '../../src/lib/config/load-config.ts';
import { parsePlainLogLine } from '../../src/lib/log-line.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { runReceiver } from '../../src/receiver/app.ts';
import { receiverConfigDefinition } from '../../src/receiver/receiver-config.ts';
import { sha256 } from '../support/episodes.ts';
import { Program } from '../support/program.ts';
import { type Answer, type SendOptions, send } from '../support/put.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const FLEET_TOKEN = 'the-token-of-the-whole-fleet';
const SESSION_MS = 12 * 3_600_000;
const PAUSE_MS = 1_000;
const MOST_FAILING = 16;
const OWN = { 'Sec-Fetch-Site': 'same-origin' };
const BROWSER = { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };
const CREATED = '2026-05-01T00:00:00Z';
/** Role → token. */
const TOKENS = { reader: 'token-of-a-reader', admin: 'token-of-an-admin', host: 'token-of-a-host' };
const PAGES = ['/', '/data', '/gate', '/data/lab-1/nothing'];

/** True time, which can be put forward; a failed login's pause lasts until `release` while it is held. */
class TestClock implements Clock {
  aheadMs = 0;
  held: PromiseWithResolvers<void> | undefined;

  wallTime(): string {
    return systemClock.wallTime();
  }

  monotonicMs(): number {
    return systemClock.monotonicMs() + this.aheadMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms !== PAUSE_MS || !this.held || signal?.aborted) return await systemClock.sleep(ms, signal);
    const aborted = Promise.withResolvers<void>();
    signal?.addEventListener('abort', () => aborted.resolve(), { once: true });
    await Promise.race([this.held.promise, aborted.promise]);
  }
}

class TestReceiver {
  readonly root: string;
  readonly clock = new TestClock();
  readonly lines: string[] = [];
  port = 0;
  #stop = new AbortController();
  #ended: Promise<number> | undefined;
  #wake: () => void = () => undefined;

  constructor(root: string, auth: string) {
    this.root = root;
    mkdirSync(join(root, 'store'));
    writeFileSync(
      this.configPath,
      `[listen]\nport = 0\n[store]\nroot = "store"\nmin_free = "0 B"\n[version_gate]\nenabled = false\n${auth}`,
    );
  }

  get configPath(): string {
    return join(this.root, 'receiver.toml');
  }

  async start(): Promise<void> {
    this.#stop = new AbortController();
    const logger = createLogger({
      level: 'debug',
      form: 'plain',
      clock: systemClock,
      write: (line) => {
        this.lines.push(line);
        this.#wake();
      },
    });
    const before = this.count('receiver is listening');
    this.#ended = runReceiver({
      config: loadConfig(receiverConfigDefinition, this.configPath).config,
      version: null,
      stop: this.#stop.signal,
      logger,
      clock: this.clock,
    });
    await Promise.race([this.logged('receiver is listening', before + 1), this.#ended]);
    const url = this.lines.map((line) => parsePlainLogLine(line.trimEnd())?.fields['url']).findLast(Boolean) ?? '';
    this.port = Number(new URL(url).port);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    assert.equal(await this.#ended, 0);
  }

  count(message: string): number {
    return this.lines.filter((line) => line.includes(message)).length;
  }

  async logged(message: string, times: number): Promise<void> {
    while (this.count(message) < times) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }

  send(target: string, options: SendOptions = {}): Promise<Answer> {
    return send(this.port, target, { ...options, headers: { ...BROWSER, ...options.headers } });
  }

  logIn(token: string, fields: Record<string, string> = {}, headers: Record<string, string> = OWN): Promise<Answer> {
    const body = new URLSearchParams({ token, ...fields }).toString();
    return this.send('/login', { method: 'POST', headers: { ...FORM, ...headers }, body });
  }

  /** A browser’s cookie header. */
  async session(token: string): Promise<{ Cookie: string }> {
    const answer = await this.logIn(token);
    assert.equal(answer.status, 303, answer.text);
    return { Cookie: cookieOf(answer) };
  }

  post(target: string, headers: Record<string, string>): Promise<Answer> {
    const body = JSON.stringify({ host: 'lab-1', reason: 'test', for: '1h' });
    return this.send(target, { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body });
  }

  async silences(headers: Record<string, string>): Promise<number> {
    const { json } = await this.send('/v1/silences', { headers });
    return (json['silences'] as unknown[]).length;
  }
}

async function start(t: TestContext, auth = `[auth]\nfleet_token_sha256 = "${sha256(FLEET_TOKEN)}"\n`) {
  const root = temporaryDirectory(t);
  const record = (id: string, role: string, token: string, more: object = {}) => ({
    id,
    role,
    sha256: sha256(token),
    created_at: CREATED,
    ...more,
  });
  const tokens = [
    record('t-reader', 'reader', TOKENS.reader),
    record('t-admin', 'admin', TOKENS.admin),
    record('t-host', 'host', TOKENS.host, { host: 'lab-1' }),
    record('t-expired', 'reader', 'token-that-ended', { expires_at: '2026-05-02T00:00:00Z' }),
  ];
  if (auth !== '') writeFileSync(join(root, 'tokens.json'), JSON.stringify({ tokens }), { mode: 0o600 });
  const receiver = new TestReceiver(root, auth);
  await receiver.start();
  t.after(() => receiver.stop());
  return receiver;
}

function setCookieOf({ headers }: Answer): string {
  assert.equal(headers['set-cookie']?.length, 1, 'one Set-Cookie');
  return headers['set-cookie']?.[0] ?? '';
}

function cookieOf(answer: Answer): string {
  return setCookieOf(answer).split(';')[0] ?? '';
}

test('people log in with a reader’s or an admin’s token, and nobody else does', async (t) => {
  const receiver = await start(t);
  for (const [who, token, status, text] of [
    ['a reader', TOKENS.reader, 303, ''],
    ['an admin', TOKENS.admin, 303, ''],
    ['with white space from the clipboard', ` ${TOKENS.reader}\n`, 303, ''],
    ['a host', TOKENS.host, 403, 'This token is a machine’s'],
    ['the fleet', FLEET_TOKEN, 403, 'This token is a machine’s'],
    ['an expired one', 'token-that-ended', 401, 'the token t-expired expired at'],
    ['an unknown one', '<b>no-such-token</b>', 401, 'this token is not known here'],
    ['none', '', 401, 'this token is not known here'],
  ] as const) {
    const answer = await receiver.logIn(token);
    assert.equal(answer.status, status, who);
    assert.ok(answer.text.includes(text), `${who}: ${answer.text}`);
    assert.ok(token.trim() === '' || !answer.text.includes(token), `${who}: what was typed is not repeated`);
    assert.equal(answer.headers['set-cookie'] !== undefined, status === 303, who);
    if (status === 303) continue;
    assert.match(answer.text, /role="alert"/, who);
    assert.match(answer.text, /aria-describedby="failure"/, who);
  }
  const log = receiver.lines.join('');
  for (const secret of [...Object.values(TOKENS), FLEET_TOKEN, 'no-such-token'])
    assert.ok(!log.includes(secret), secret);
  assert.match(log, /somebody logged in.*as="?token t-reader/);
  assert.match(log, /a login to the dashboard was refused.*client=/);
});

test('the cookie is out of the reach of scripts and of other sites, and only for TLS where there is TLS', async (t) => {
  const receiver = await start(t);
  const plain = setCookieOf(await receiver.logIn(TOKENS.reader));
  assert.match(plain, /^cis490_session=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Lax$/);
  const host = `127.0.0.1:${receiver.port}`;
  const behindProxy = setCookieOf(await receiver.logIn(TOKENS.reader, {}, { Origin: `https://${host}` }));
  assert.match(behindProxy, /; Secure/);
  assert.doesNotMatch(setCookieOf(await receiver.logIn(TOKENS.reader, {}, { Origin: `http://${host}` })), /Secure/);
  const log = receiver.lines.join('');
  assert.ok(!log.includes(plain.split(/[=;]/)[1] ?? '?'));
});

test('without a session every page leads to the login, and back', async (t) => {
  const receiver = await start(t);
  for (const path of ['/data?host=lab-1&since=2026-05-01', '/gate', '/data/lab-1/e']) {
    const led = await receiver.send(path);
    assert.deepEqual([led.status, led.text], [303, '']);
    assert.match(String(led.headers['x-request-id']), /^[0-9a-f-]{36}$/);
    const login = await receiver.send(String(led.headers.location));
    assert.equal(login.status, 200);
    const next = /name="next" value="([^"]*)"/.exec(login.text)?.[1]?.replaceAll('&amp;', '&') ?? '';
    assert.equal(next, path);
    assert.equal((await receiver.logIn(TOKENS.reader, { next })).headers.location, path);
  }
  assert.equal((await receiver.send('/')).headers.location, '/login');
  // A program is told as everywhere else.
  const program = await receiver.send('/', { headers: { Accept: '*/*' } });
  assert.deepEqual([program.status, program.json['code']], [401, 'credential-missing']);
  const wrong = await receiver.send('/gate', { headers: { Cookie: 'cis490_session=made-up' } });
  assert.equal(wrong.headers.location, '/login?next=%2Fgate');
});

test('`next` cannot lead away from the receiver', async (t) => {
  const receiver = await start(t);
  for (const next of [
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    ' //evil.example',
    '/%0d%0aSet-Cookie: x=y',
    'javascript:alert(1)',
    '/"><script>',
    '/..//evil.example',
    '',
  ]) {
    const { headers } = await receiver.logIn(TOKENS.reader, { next });
    const base = `http://127.0.0.1:${receiver.port}`;
    assert.equal(new URL(String(headers.location), base).origin, base, next);
    const login = await receiver.send(`/login?next=${encodeURIComponent(next)}`);
    assert.doesNotMatch(login.text, /value="[^"]*(?:evil\.example"|script)/, next);
  }
});

test('a session ends: by logout, by time, with its token, and with the receiver', async (t) => {
  const receiver = await start(t);
  const isLedToLogin = async (headers: { Cookie: string }) => {
    const page = await receiver.send('/gate', { headers });
    const api = await receiver.send('/v1/fleet', { headers });
    if (page.status === 200 && api.status === 200) return false;
    assert.deepEqual([page.status, page.headers.location, api.status], [303, '/login?next=%2Fgate', 401]);
    return true;
  };
  const [one, other] = [await receiver.session(TOKENS.reader), await receiver.session(TOKENS.reader)];
  assert.deepEqual([await isLedToLogin(one), await isLedToLogin(other)], [false, false]);

  const foreign = await receiver.send('/logout', {
    method: 'POST',
    headers: { ...one, 'Sec-Fetch-Site': 'cross-site' },
  });
  assert.equal(foreign.headers['set-cookie'], undefined);
  assert.equal(await isLedToLogin(one), false, 'nobody else logs its reader out');
  const out = await receiver.send('/logout', { method: 'POST', headers: { ...one, ...OWN } });
  assert.equal(out.headers.location, '/login');
  assert.match(setCookieOf(out), /^cis490_session=; Max-Age=0; Path=\/; HttpOnly; SameSite=Lax$/);
  assert.deepEqual([await isLedToLogin(one), await isLedToLogin(other)], [true, false]);

  const again = await receiver.logIn(TOKENS.reader, {}, { ...OWN, ...other });
  assert.deepEqual([await isLedToLogin(other), await isLedToLogin({ Cookie: cookieOf(again) })], [true, false]);

  const admin = await receiver.session(TOKENS.admin);
  const revoked = Program.cis490(['token', 'revoke', 't-reader', '--config', receiver.configPath]);
  assert.equal((await revoked.ended).code, 0, revoked.stderr);
  assert.deepEqual([await isLedToLogin({ Cookie: cookieOf(again) }), await isLedToLogin(admin)], [true, false]);

  receiver.clock.aheadMs += SESSION_MS - 60_000;
  assert.equal(await isLedToLogin(admin), false);
  receiver.clock.aheadMs += 60_000;
  assert.equal(await isLedToLogin(admin), true);

  const last = await receiver.session(TOKENS.admin);
  assert.equal(await isLedToLogin(last), false);
  await receiver.stop();
  await receiver.start();
  assert.equal(await isLedToLogin(last), true, 'a restart ends all sessions');
});

test('the cookie reads, and changes something only from our own page', async (t) => {
  const receiver = await start(t);
  const [reader, admin] = [await receiver.session(TOKENS.reader), await receiver.session(TOKENS.admin)];
  const host = `127.0.0.1:${receiver.port}`;
  for (const path of ['/v1/fleet', '/v1/alerts', '/v1/index', '/v1/episodes', '/v1/version-gate']) {
    assert.equal((await receiver.send(path, { headers: reader })).status, 200, path);
  }
  for (const [what, headers, status] of [
    ['no word on where it comes from', {}, 403],
    ['another site', { 'Sec-Fetch-Site': 'cross-site' }, 403],
    ['another host of the site', { 'Sec-Fetch-Site': 'same-site' }, 403],
    ['an address that was typed in', { 'Sec-Fetch-Site': 'none' }, 403],
    ['an origin elsewhere', { Origin: 'https://evil.example' }, 403],
    ['no origin', { Origin: 'null' }, 403],
    ['another port of this host', { Origin: 'http://127.0.0.1:1' }, 403],
    ['our own page', OWN, 201],
    ['our own page, by an old browser', { Origin: `http://${host}` }, 201],
  ] as const) {
    assert.equal((await receiver.post('/v1/silences', { ...admin, ...headers })).status, status, what);
    assert.equal((await receiver.post('/v1/silences', { ...reader, ...headers })).status, 403, `${what}, as a reader`);
  }
  assert.equal(await receiver.silences(reader), 2);
  const deleted = await receiver.send('/v1/episodes/lab-1/e.tar.zst?reason=x', { method: 'DELETE', headers: admin });
  assert.equal(deleted.status, 403);
  // A token that is sent itself needs no page, and decides alone.
  const bearer = { Authorization: `Bearer ${TOKENS.reader}` };
  assert.equal((await receiver.post('/v1/silences', { ...admin, ...OWN, ...bearer })).status, 403);
});

test('the forms of the pages are an admin’s, and taken from our own pages alone', async (t) => {
  const receiver = await start(t);
  const [reader, admin] = [await receiver.session(TOKENS.reader), await receiver.session(TOKENS.admin)];
  const body = new URLSearchParams({ host: 'lab-1', reason: 'test', for: '1h' }).toString();
  const submit = (path: string, headers: Record<string, string>) =>
    receiver.send(path, { method: 'POST', headers: { ...FORM, ...headers }, body });
  for (const path of ['/silences', '/silences/s-1/end', '/alerts/a-1/acknowledge']) {
    for (const [who, headers] of [
      ['an admin, without a word on where it comes from', admin],
      ['an admin on another site', { ...admin, 'Sec-Fetch-Site': 'cross-site' }],
      ['an admin on an origin elsewhere', { ...admin, Origin: 'https://evil.example' }],
      ['a reader', { ...reader, ...OWN }],
    ] as const) {
      assert.equal((await submit(path, headers)).status, 403, `${path} by ${who}`);
    }
    assert.equal((await submit(path, OWN)).status, 401, `${path} by nobody`);
  }
  assert.equal(await receiver.silences(reader), 0);
  assert.equal((await submit('/silences', { ...admin, ...OWN })).status, 303);
  assert.equal(await receiver.silences(reader), 1);
});

test('a login from another web page is refused: nobody is logged in as somebody else', async (t) => {
  const receiver = await start(t);
  for (const headers of [{}, { 'Sec-Fetch-Site': 'cross-site' }, { Origin: 'https://evil.example' }]) {
    const answer = await receiver.logIn(TOKENS.reader, {}, headers as Record<string, string>);
    assert.deepEqual([answer.status, answer.headers['set-cookie']], [403, undefined]);
    assert.match(answer.text, /Log in from this page/);
  }
});

test('logins that fail are held back, and keep nobody out who has the right token', async (t) => {
  const receiver = await start(t);
  const held = Promise.withResolvers<void>();
  receiver.clock.held = held;
  const failing = Array.from({ length: MOST_FAILING }, (_, index) => receiver.logIn(`wrong-${index}`));
  await receiver.logged('a login to the dashboard was refused', MOST_FAILING);
  const refused = receiver.logIn('wrong-again');
  await Promise.race([refused, receiver.logged('a login to the dashboard was refused', MOST_FAILING + 1)]);
  assert.equal(receiver.count('a login to the dashboard was refused'), MOST_FAILING, 'the log does not fill');
  const tooMany = await refused;
  assert.deepEqual([tooMany.status, tooMany.headers['retry-after']], [429, '1']);
  assert.equal((await receiver.logIn(TOKENS.reader)).status, 303);
  receiver.clock.held = undefined;
  held.resolve();
  assert.deepEqual(new Set((await Promise.all(failing)).map(({ status }) => status)), new Set([401]));
});

test('a form that is too large or none is no login', async (t) => {
  const receiver = await start(t);
  const large = await receiver.logIn('x'.repeat(20_000));
  assert.equal(large.status, 400);
  const headers = { 'Content-Type': 'application/json', ...OWN };
  const json = await receiver.send('/login', {
    method: 'POST',
    headers,
    body: JSON.stringify({ token: TOKENS.reader }),
  });
  assert.equal(json.status, 401);
});

test('every page has the headers that keep it inert', async (t) => {
  const receiver = await start(t);
  const reader = await receiver.session(TOKENS.reader);
  const pages = [...PAGES.map((path) => [path, reader] as const), ['/login', {}] as const];
  for (const [path, headers] of pages) {
    const answer = await receiver.send(path, { headers });
    const policy = String(answer.headers['content-security-policy']);
    assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self'/, path);
    assert.match(policy, /form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/, path);
    assert.doesNotMatch(policy, /unsafe|\*|https?:/, path);
    assert.equal(answer.headers['x-content-type-options'], 'nosniff', path);
    assert.equal(answer.headers['cross-origin-opener-policy'], 'same-origin', path);
    assert.equal(answer.headers['referrer-policy'], 'same-origin', path);
    assert.equal(answer.headers['cache-control'], 'no-store', path);
    assert.match(String(answer.headers['content-type']), /^text\/html; charset=utf-8$/i, path);
    assert.match(String(answer.headers['x-request-id']), /^[0-9a-f-]{36}$/, path);
    assert.doesNotMatch(answer.text, /<script(?![^>]* src="\/assets\/)|<[^>]+ (?:style|on\w+)=/i, path);
  }
});

test('on loopback without any credential there is no login, and other web pages change nothing', async (t) => {
  const receiver = await start(t, '');
  for (const path of PAGES.slice(0, 3)) assert.equal((await receiver.send(path)).status, 200, path);
  assert.doesNotMatch((await receiver.send('/')).text, /Log out/);
  const login = await receiver.send('/login?next=%2Fgate');
  assert.deepEqual([login.status, login.headers.location], [303, '/gate']);
  assert.equal((await receiver.logIn('anything')).headers['set-cookie'], undefined);
  assert.equal((await receiver.post('/v1/silences', { 'Sec-Fetch-Site': 'cross-site' })).status, 403);
  assert.equal((await receiver.post('/v1/silences', { Origin: 'https://evil.example' })).status, 403);
  assert.equal((await receiver.send('/', { headers: { Host: 'rebound.example' } })).status, 403);
  assert.equal((await receiver.post('/v1/silences', OWN)).status, 201);
});
