import assert from 'node:assert/strict';
import { readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { sha256 } from '../../../test/support/episodes.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { createAuthenticator } from './authenticator.ts';
import {
  EnrolmentTokensInMemory,
  listenConfig,
  RevocationsInMemory,
  recordingLogger,
  SettableClock,
  serveWhoAmI,
} from './identity.fixture.ts';
import type { TokenRecord } from './tokens-file.ts';

const FLEET_TOKEN = 's3cret';

/** `headers`: name, value, name, value, as they go over the wire. */
async function ask(port: number, headers: string[]): Promise<Record<string, unknown>> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const outgoing = request({ host: '127.0.0.1', port, headers: ['Host', 'receiver', ...headers], agent: false });
  outgoing.on('error', reject);
  outgoing.on('response', (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    response.on('end', () => resolve(text));
  });
  outgoing.end();
  return JSON.parse(await promise);
}

function record(id: string, more: Partial<TokenRecord> = {}): TokenRecord {
  return {
    id,
    role: 'reader',
    sha256: sha256(`${id}-token`),
    created_at: '2026-05-01T06:37:53.830599+00:00',
    ...more,
  };
}

async function open(t: TestContext, records: TokenRecord[], fleetToken: string | undefined = FLEET_TOKEN) {
  const path = join(temporaryDirectory(t), 'tokens.json');
  const write = (tokens: TokenRecord[]) => writeFile(path, JSON.stringify({ tokens }));
  if (records.length > 0) await write(records);
  const control = new RevocationsInMemory();
  const enrolments = new EnrolmentTokensInMemory();
  const clock = new SettableClock();
  const { logger, lines } = recordingLogger();
  const auth = { tokens_file: path, ...(fleetToken !== undefined && { fleet_token_sha256: sha256(fleetToken) }) };
  const authenticator = createAuthenticator({ listen: listenConfig(), auth, control, enrolments, clock, logger });
  const { port } = await serveWhoAmI(t, () => authenticator);
  const who = async (...headers: string[]) => {
    const outcome = await ask(port, headers);
    return outcome['kind'] === 'known' ? outcome['principal'] : outcome['code'];
  };
  const bearer = (token: string) => who('Authorization', `Bearer ${token}`);
  return { path, write, control, enrolments, clock, lines, port, who, bearer };
}

const FLEET = { role: 'fleet', name: 'fleet token' };

describe('with a fleet token', () => {
  for (const [authorization, outcome] of [
    ['Bearer s3cret', FLEET],
    ['bearer s3cret', FLEET],
    ['BEARER   s3cret', FLEET],
    [undefined, 'credential-missing'],
    ['', 'credential-missing'],
    ['Bearer', 'credential-missing'],
    ['Bearer ', 'credential-missing'],
    ['s3cret', 'credential-missing'],
    ['Basic s3cret', 'credential-missing'],
    ['Bearer s3cret s3cret', 'credential-missing'],
    ['Bearer S3cret', 'credential-invalid'],
    ['Bearer s3cre', 'credential-invalid'],
    ['Bearer s3crets', 'credential-invalid'],
    [`Bearer ${sha256('s3cret')}`, 'credential-invalid'],
  ] as const) {
    test(`${authorization ?? 'no header'}: ${JSON.stringify(outcome)}`, async (t) => {
      const { who } = await open(t, []);
      assert.deepEqual(await who(...(authorization === undefined ? [] : ['Authorization', authorization])), outcome);
    });
  }

  test('a proxy in front, another Host and another origin are all the same to it', async (t) => {
    const { who } = await open(t, []);
    const others = ['X-Forwarded-For', '1.2.3.4', 'Via', '1.1 x', 'Origin', 'https://x.example'];
    assert.deepEqual(await who('Authorization', 'Bearer s3cret', ...others), FLEET);
  });

  test('Authorization twice is refused, also where both are right', async (t) => {
    const { who } = await open(t, []);
    const one = ['Authorization', 'Bearer s3cret'];
    assert.equal(await who(...one, ...one), 'bad-request');
    assert.equal(await who(...one, 'authorization', 'Bearer wrong'), 'bad-request');
  });

  test('no answer and no log line tells what was sent', async (t) => {
    const { port, lines } = await open(t, [record('t-1')]);
    for (const value of ['Basic dHJ5dHJ5', 'Bearer dHJ5dHJ5']) {
      assert.doesNotMatch(JSON.stringify(await ask(port, ['Authorization', value])), /dHJ5/);
    }
    assert.doesNotMatch(lines.join(''), /dHJ5/);
  });
});

test('tokens are compared by their digests, in constant time', async () => {
  const source = await readFile(join(import.meta.dirname, 'bearer-tokens.ts'), 'utf8');
  assert.match(source, /timingSafeEqual\(digest, this\.#fleetDigest\)/);
  assert.match(source, /timingSafeEqual\(digest, Buffer\.from\(record\.sha256, 'hex'\)\) \? record/);
});

describe('with tokens', () => {
  test('each is what its record says', async (t) => {
    const { bearer } = await open(
      t,
      [
        record('r'),
        record('a', { role: 'admin' }),
        record('f', { role: 'fleet' }),
        record('h', { role: 'host', host: 'lab-1' }),
      ],
      undefined,
    );
    assert.deepEqual(await bearer('r-token'), { role: 'reader', name: 'token r' });
    assert.deepEqual(await bearer('a-token'), { role: 'admin', name: 'token a' });
    assert.deepEqual(await bearer('f-token'), { role: 'fleet', name: 'token f' });
    assert.deepEqual(await bearer('h-token'), { role: 'host', hostId: 'lab-1', name: 'token h' });
    assert.equal(await bearer('r'), 'credential-invalid');
    assert.equal(await bearer(sha256('r-token')), 'credential-invalid');
  });

  test('one that has expired counts no more, from the very moment', async (t) => {
    const { bearer, clock } = await open(t, [record('r', { expires_at: '2027-01-01T02:00:00+02:00' })]);
    clock.now = Temporal.Instant.from('2026-12-31T23:59:59.999999Z');
    const expiresAt = '2027-01-01T00:00:00.000000+00:00';
    assert.deepEqual(await bearer('r-token'), { role: 'reader', name: 'token r', expiresAt });
    clock.now = Temporal.Instant.from('2027-01-01T00:00:00Z');
    assert.equal(await bearer('r-token'), 'credential-invalid');
  });

  test('one that is revoked counts no more at the next request', async (t) => {
    const { bearer, control, clock } = await open(t, [record('r'), record('s')]);
    assert.deepEqual(await bearer('r-token'), { role: 'reader', name: 'token r' });
    await control.revokeToken({ id: 'r', revokedAt: clock.wallTime() });
    assert.equal(await bearer('r-token'), 'credential-invalid');
    assert.deepEqual(await bearer('s-token'), { role: 'reader', name: 'token s' });
  });

  test('a new one counts at once, in a new file too', async (t) => {
    const { bearer, write } = await open(t, []);
    assert.equal(await bearer('r-token'), 'credential-invalid');
    await write([record('r')]);
    assert.deepEqual(await bearer('r-token'), { role: 'reader', name: 'token r' });
    await write([record('r'), record('s')]);
    assert.deepEqual(await bearer('s-token'), { role: 'reader', name: 'token s' });
  });

  test('an unchanged file is not read again', async (t) => {
    const { bearer, path, lines } = await open(t, [record('r')]);
    for (let times = 0; times < 3; times += 1) assert.equal(await bearer('x'), 'credential-invalid');
    assert.equal(lines.filter((line) => line.includes('read again')).length, 0);
    await utimes(path, 1, 1);
    for (let times = 0; times < 3; times += 1) assert.equal(await bearer('x'), 'credential-invalid');
    assert.equal(lines.filter((line) => line.includes('read again')).length, 1);
  });

  test('a damaged file is told once, and leaves in force what was read before', async (t) => {
    const { bearer, path, write, lines } = await open(t, [record('r')]);
    await writeFile(path, '{"tokens":[{');
    for (let times = 0; times < 3; times += 1) assert.equal(await bearer('s-token'), 'credential-invalid');
    assert.deepEqual(await bearer('r-token'), { role: 'reader', name: 'token r' });
    assert.equal(lines.filter((line) => line.includes('ERROR')).length, 1, lines.join(''));
    await write([record('r'), record('s')]);
    assert.deepEqual(await bearer('s-token'), { role: 'reader', name: 'token s' });
  });

  test('a file that goes opens no door', async (t) => {
    const { bearer, path, who } = await open(t, [record('r')], undefined);
    await rm(path);
    assert.equal(await bearer('x'), 'credential-invalid');
    assert.equal(await who('Host', '127.0.0.1'), 'credential-missing');
  });
});

test('without any credential the loopback rule stands in', async (t) => {
  const path = join(temporaryDirectory(t), 'tokens.json');
  const { logger } = recordingLogger();
  const control = new RevocationsInMemory();
  const enrolments = new EnrolmentTokensInMemory();
  const options = {
    listen: listenConfig(),
    auth: { tokens_file: path },
    control,
    enrolments,
    clock: new SettableClock(),
    logger,
  };
  const authenticator = createAuthenticator(options);
  const { port } = await serveWhoAmI(t, () => authenticator);
  assert.equal((await ask(port, []))['code'], 'forbidden');
  const { promise, resolve } = Promise.withResolvers<string>();
  request({ host: '127.0.0.1', port, agent: false }, (response) => {
    response.on('data', (chunk) => resolve(String(chunk)));
  }).end();
  assert.deepEqual(JSON.parse(await promise).principal, { role: 'open' });
});

test('a damaged tokens file keeps it from starting', async (t) => {
  const path = join(temporaryDirectory(t), 'tokens.json');
  await writeFile(path, 'x');
  const { logger } = recordingLogger();
  const options = {
    control: new RevocationsInMemory(),
    enrolments: new EnrolmentTokensInMemory(),
    clock: new SettableClock(),
    logger,
  };
  assert.throws(() => createAuthenticator({ listen: listenConfig(), auth: { tokens_file: path }, ...options }), {
    code: 'bad-tokens-file',
  });
});

describe('an enrolment token', () => {
  const TOKEN = {
    id: 'e-1',
    sha256: sha256('new-here'),
    hostId: 'lab-9',
    createdAt: '2026-05-01T00:00:00.000000+00:00',
    expiresAt: '2126-05-01T00:00:00.000000+00:00',
    by: 'ada',
  };
  const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;
  const PRINCIPAL = {
    role: 'enrolment',
    hostId: 'lab-9',
    name: 'enrolment token e-1',
    expiresAt: TOKEN.expiresAt,
  };
  for (const [title, authorization, more, outcome] of [
    ['as the password', basic('enrol:new-here'), {}, PRINCIPAL],
    ['of any user', basic('somebody:new-here'), {}, PRINCIPAL],
    ['of no user', basic(':new-here'), {}, PRINCIPAL],
    ['bound to a key', basic('enrol:new-here'), { keySha256: 'a'.repeat(64) }, PRINCIPAL],
    ['as the user', basic('new-here:'), {}, 'credential-missing'],
    ['without a colon', basic('new-here'), {}, 'credential-missing'],
    ['not in base64', 'Basic enrol:new-here', {}, 'credential-missing'],
    ['as a bearer', 'Bearer new-here', {}, 'credential-invalid'],
    ['another', basic('enrol:new-her'), {}, 'credential-invalid'],
    ['with a colon more', basic('enrol:x:new-here'), {}, 'credential-invalid'],
    ['expired', basic('enrol:new-here'), { expiresAt: TOKEN.createdAt }, 'credential-invalid'],
    ['revoked', basic('enrol:new-here'), { revokedAt: TOKEN.createdAt }, 'credential-invalid'],
  ] as const) {
    test(`${title}: ${typeof outcome === 'string' ? outcome : 'known'}`, async (t) => {
      const { who, enrolments } = await open(t, []);
      enrolments.tokens.push({ ...TOKEN, ...more });
      assert.deepEqual(await who('Authorization', authorization), outcome);
    });
  }

  test('is refused where others could read it', async () => {
    const { logger } = recordingLogger();
    const authenticator = createAuthenticator({
      listen: listenConfig({ trusted_proxies: ['192.0.2.7'] }),
      auth: { tokens_file: '/nowhere', fleet_token_sha256: sha256(FLEET_TOKEN) },
      control: new RevocationsInMemory(),
      enrolments: Object.assign(new EnrolmentTokensInMemory(), { tokens: [TOKEN] }),
      clock: new SettableClock(),
      logger,
    });
    const from = (remoteAddress: string) =>
      ({
        headers: { authorization: basic('enrol:new-here') },
        headersDistinct: { authorization: [basic('enrol:new-here')] },
        socket: { remoteAddress },
      }) as unknown as IncomingMessage;
    for (const [address, kind] of [
      ['192.0.2.1', 'refused'],
      ['192.0.2.7', 'known'],
      ['127.0.0.1', 'known'],
      ['::ffff:127.0.0.1', 'known'],
      ['::1', 'known'],
    ] as const) {
      assert.equal(authenticator.isConfidential(from(address)), kind === 'known', address);
      assert.equal((await authenticator.authenticate(from(address))).kind, kind, address);
    }
  });
});
