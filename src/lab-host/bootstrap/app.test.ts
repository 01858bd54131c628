import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { EstServer } from '../../../test/support/est-server.ts';
import { loadConfig } from '../../lib/config/load-config.ts';
import { identityRootOf } from '../identity-layout.ts';
import { labHostConfigDefinition } from '../lab-host-config.ts';
import { BareMachine } from './bootstrap.fixture.ts';

const IDENTITY = 'var/lib/cis490/identity';
const CONFIG = 'etc/cis490/lab-host.toml';
const KEY = 'MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=';

function certificateOf(machine: BareMachine): X509Certificate {
  const certificate = new X509Certificate(machine.read(`${IDENTITY}/current/host.crt`));
  assert.ok(certificate.checkPrivateKey(createPrivateKey(machine.read(`${IDENTITY}/current/host.key`))));
  return certificate;
}

function seedFile(machine: BareMachine, text: string): string {
  const path = join(machine.root, 'seed.toml');
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

describe('a bare machine', () => {
  test('becomes a lab host: authority, certificate, configuration, installation, first report, in this order', async (t) => {
    const machine = await BareMachine.create(t);
    const token = machine.server.addToken();
    assert.equal(await machine.bootstrap({ token, releaseKey: [KEY], withTelemetry: true }), 0);
    assert.deepEqual(machine.server.requests.slice(0, 3), [
      'GET /.well-known/est/cacerts by nobody',
      'GET /.well-known/est/cacerts by nobody',
      'POST /.well-known/est/simpleenroll by token',
    ]);
    assert.equal(certificateOf(machine).subject, 'CN=lab-1');
    assert.equal(statSync(join(machine.root, IDENTITY)).mode & 0o777, 0o700);
    const { config } = loadConfig(labHostConfigDefinition, join(machine.root, CONFIG));
    assert.equal(config.host_id, 'lab-1');
    assert.equal(config.receiver.url, machine.server.url);
    assert.equal(identityRootOf(config), `/${IDENTITY}`);
    assert.deepEqual([config.cert.enabled, config.autoupdate.enabled], [true, true]);
    assert.deepEqual(config.autoupdate.release_keys, [KEY]);
    assert.deepEqual(await machine.calls(), ['scripts/install-lab-host.sh --with-telemetry', 'bin/cis490 ship-health']);
    assert.match(machine.printed.join(), /lab-1 is a lab host of https:/);
  });

  test('keeps the token to itself: no log, no file, no child has it', async (t) => {
    const machine = await BareMachine.create(t);
    const token = machine.server.addToken('lab-1', 'a-very-secret-token');
    await machine.bootstrap({ token });
    const everything = [machine.lines, machine.printed, machine.read('calls'), machine.read('environment')]
      .flat()
      .join();
    assert.ok(!(everything + machine.read(CONFIG) + machine.read(`${IDENTITY}/cert-state.json`)).includes(token));
  });

  test('gives what it wrote to the user of the service, once there is one', async (t) => {
    if (process.getuid?.() !== 0) return t.skip('only root can give files away');
    const machine = await BareMachine.create(t);
    mkdirSync(join(machine.root, 'etc'));
    writeFileSync(join(machine.root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\ncis490:x:4711:4712::/:/bin/false\n');
    await machine.bootstrap({ token: machine.server.addToken() });
    for (const name of ['', 'ca.crt', 'current', 'current/host.key', '1', '1/host.crt', 'next', 'cert-state.json']) {
      const { uid, gid } = lstatSync(join(machine.root, IDENTITY, name));
      assert.deepEqual([name, uid, gid], [name, 4711, 4712]);
    }
    const { uid, gid, mode } = statSync(join(machine.root, CONFIG));
    assert.deepEqual([uid, gid, mode & 0o777], [0, 4712, 0o640]);
  });

  test('run again, it asks with its certificate and changes nothing', async (t) => {
    const machine = await BareMachine.create(t);
    const token = machine.server.addToken();
    await machine.bootstrap({ token });
    const before = [certificateOf(machine).fingerprint256, machine.read(CONFIG)];
    machine.server.requests.length = 0;
    assert.equal(await machine.bootstrap({ token }), 0);
    assert.deepEqual(machine.server.requests, ['POST /v1/ping by certificate']);
    assert.deepEqual([certificateOf(machine).fingerprint256, machine.read(CONFIG)], before);
  });

  test('that was revoked is enrolled anew with a new token', async (t) => {
    const machine = await BareMachine.create(t);
    await machine.bootstrap({ token: machine.server.addToken() });
    const revoked = certificateOf(machine).fingerprint256;
    machine.server.revoked.add(revoked);
    assert.equal(await machine.bootstrap({ token: machine.server.addToken() }), 0);
    assert.notEqual(certificateOf(machine).fingerprint256, revoked);
  });

  test('in an image nothing reports', async (t) => {
    const machine = await BareMachine.create(t);
    const token = machine.server.addToken();
    assert.equal(await machine.bootstrap({ token }, { isImage: true }), 0);
    assert.deepEqual(await machine.calls(), [`scripts/install-lab-host.sh --root ${machine.root}`]);
  });

  for (const [program, code] of [
    ['scripts/install-lab-host.sh', 'install-failed'],
    ['bin/cis490', 'report-failed'],
  ] as const) {
    test(`goes on where ${program} failed`, async (t) => {
      const machine = await BareMachine.create(t);
      const token = machine.server.addToken();
      machine.program(program, 1);
      await assert.rejects(machine.bootstrap({ token }), { code });
      machine.program(program, 0);
      assert.equal(await machine.bootstrap({ token }), 0);
      assert.equal(machine.server.issued.length, 1);
    });
  }
});

describe('who the receiver is', () => {
  test('another fingerprint: no token is sent, nothing is kept, nothing installed', async (t) => {
    const machine = await BareMachine.create(t);
    const stranger = await EstServer.start();
    t.after(() => stranger.close());
    await assert.rejects(machine.bootstrap({ token: 'secret', receiver: stranger.url }), {
      code: 'fingerprint-mismatch',
      hint: /the token was not sent/,
    });
    assert.deepEqual(stranger.requests, ['GET /.well-known/est/cacerts by nobody']);
    assert.deepEqual(await machine.calls(), []);
    assert.throws(() => machine.read(`${IDENTITY}/ca.crt`));
  });

  test('the right authority told by one who has no certificate of it: no token is sent', async (t) => {
    const machine = await BareMachine.create(t);
    const stranger = await EstServer.start();
    t.after(() => stranger.close());
    stranger.told = machine.server.told;
    await assert.rejects(machine.bootstrap({ token: 'secret', receiver: stranger.url }), {
      code: 'certificate-untrusted',
    });
    assert.deepEqual(stranger.requests, ['GET /.well-known/est/cacerts by nobody']);
  });

  test('of several authorities only the one with the fingerprint vouches; the others are learnt from who it vouches for', async (t) => {
    const machine = await BareMachine.create(t);
    const other = await EstServer.start();
    t.after(() => other.close());
    machine.server.told = [other.authority.certificate, machine.server.authority.certificate];
    const count = () => machine.read(`${IDENTITY}/ca.crt`).match(/BEGIN/g)?.length;
    await assert.rejects(
      machine.bootstrap({ token: machine.server.addToken() }, { afterStep: stopAt('authority-pinned') }),
    );
    assert.equal(count(), 1);
    await machine.bootstrap({ token: machine.server.addToken() });
    assert.equal(count(), 2);
  });

  test('one that is away is told, and the same command goes on once it is there', async (t) => {
    const machine = await BareMachine.create(t);
    machine.server.close();
    await assert.rejects(machine.bootstrap({ token: 'secret' }), {
      code: 'econnrefused',
      message: /\(tcp\)/,
      retryable: true,
    });
  });

  test('one without an authority', async (t) => {
    const machine = await BareMachine.create(t);
    machine.server.answerAll = (response) => response.writeHead(404).end();
    await assert.rejects(machine.bootstrap({ token: 'secret' }), { code: 'no-authority', hint: /cis490 ca init/ });
  });
});

function stopAt(step: string): (done: string) => void {
  return (done) => {
    if (done === step) throw new Error(`stopped at ${step}`);
  };
}

describe('what is given', () => {
  test('all that is wrong or missing is told at once, and nothing is done', async (t) => {
    const machine = await BareMachine.create(t);
    const flags = { receiver: 'ftp://x', caFingerprint: 'short', hostId: '-x', releaseKey: ['none'] };
    await assert.rejects(machine.bootstrap(flags, { uid: 1000 }), (error: Error) => {
      for (const part of [
        '--receiver: ',
        '--ca-fingerprint: ',
        '--host-id: ',
        '--release-key: ',
        '--token-file is missing',
        'only root',
      ])
        assert.ok(error.message.includes(part), `${part} in ${error.message}`);
      assert.doesNotMatch(error.message, /receiver is missing|fingerprint is missing/);
      return true;
    });
    assert.deepEqual(machine.server.requests, []);
  });

  const wrong: [what: string, flags: Record<string, unknown>, hostName: string, why: RegExp][] = [
    ['a receiver in the clear', { receiver: 'http://receiver.example' }, 'x', /token would go in the clear/],
    ['a host name that is none', { hostId: undefined }, 'localhost', /give one with --host-id/],
    ['a token file that is not there', { token: undefined, tokenFile: '/nowhere' }, 'x', /--token-file: found a path/],
    ['two tokens', { tokenFile: '/nowhere' }, 'x', /only one of them/],
  ];
  for (const [what, flags, hostName, why] of wrong) {
    test(`${what} is refused`, async (t) => {
      const machine = await BareMachine.create(t);
      await assert.rejects(machine.bootstrap({ token: 'x', ...flags }, { hostName }), {
        code: 'bad-input',
        message: why,
      });
    });
  }

  test("without a host_id the machine's own name counts, up to its first dot", async (t) => {
    const machine = await BareMachine.create(t);
    const { flags } = { flags: { receiver: machine.server.url, token: machine.server.addToken() } };
    await machine.bootstrap({ ...flags, hostId: undefined as never });
    assert.equal(certificateOf(machine).subject, 'CN=lab-1');
  });

  test('a token that is for another host is told', async (t) => {
    const machine = await BareMachine.create(t);
    const token = machine.server.addToken('lab-2');
    await assert.rejects(machine.bootstrap({ token }), { code: 'certificate-unusable', hint: /ca token --host lab-1/ });
  });
});

describe('a seed file', () => {
  const seedOf = ({ server }: BareMachine, token: string) =>
    `# mine\nreceiver = "${server.url}"\nca_fingerprint = "${server.fingerprint}"\nhost_id = "lab-1"\ntoken = "${token}"\n`;
  const none = { receiver: undefined, caFingerprint: undefined, hostId: undefined } as never;

  test('has all that it takes; its token is taken out at the end, and then there is nothing to do', async (t) => {
    const machine = await BareMachine.create(t);
    const path = seedFile(machine, seedOf(machine, machine.server.addToken()));
    assert.equal(await machine.bootstrap(none, { seedPaths: ['/nowhere', path] }), 0);
    const left = readFileSync(path, 'utf8');
    assert.doesNotMatch(left, /token = |token-1/);
    assert.match(left, /^token_used_at = "20/m);
    machine.server.requests.length = 0;
    assert.equal(await machine.bootstrap(none, { seedPaths: [path] }), 0);
    assert.deepEqual(machine.server.requests, []);
    assert.equal((await machine.calls()).length, 2);
    assert.match(machine.printed.at(-1) ?? '', /set up already/);
  });

  test('that cannot be written to only costs a warning', async (t) => {
    const machine = await BareMachine.create(t);
    const path = seedFile(machine, seedOf(machine, machine.server.addToken()));
    // In its place a directory, which no file can be renamed over, whoever runs this.
    const gone = (step: string) => {
      if (step !== 'reported') return;
      rmSync(path);
      mkdirSync(path);
    };
    assert.equal(await machine.bootstrap(none, { seedPath: path, afterStep: gone }), 0);
    assert.match(machine.lines.join(''), /WARNING the token cannot be taken out of the seed file/);
  });

  test('with mistakes tells each with its line, and never the token', async (t) => {
    const machine = await BareMachine.create(t);
    const path = seedFile(machine, 'receiver = "nowhere"\ntoken = 12345678\nca_fingerprnt = "x"\n');
    await assert.rejects(machine.bootstrap(none, { seedPath: path }), (error: Error) => {
      assert.match(error.message, /seed\.toml:1: receiver/);
      assert.match(error.message, /seed\.toml:3: .*did you mean ca_fingerprint/);
      assert.doesNotMatch(error.message, /12345678/);
      return true;
    });
  });

  test('gives way to the command line', async (t) => {
    const machine = await BareMachine.create(t);
    const path = seedFile(machine, seedOf(machine, 'of-yesterday').replace('lab-1', 'lab-9'));
    assert.equal(await machine.bootstrap({ token: machine.server.addToken() }, { seedPath: path }), 0);
    assert.equal(certificateOf(machine).subject, 'CN=lab-1');
  });
});

describe('a configuration that is there', () => {
  function withConfig(t: TestContext, text: (machine: BareMachine) => string) {
    return BareMachine.create(t).then((machine) => {
      mkdirSync(join(machine.root, 'etc/cis490'), { recursive: true });
      writeFileSync(join(machine.root, CONFIG), text(machine));
      return machine;
    });
  }

  test('and agrees is kept as it is', async (t) => {
    const text = ({ server }: BareMachine) => `host_id = "lab-1" # mine\n[receiver]\nurl = "${server.url}/"\n`;
    const machine = await withConfig(t, text);
    assert.equal(await machine.bootstrap({ token: machine.server.addToken() }), 0);
    assert.equal(machine.read(CONFIG), text(machine));
    assert.match(machine.lines.join(''), /WARNING \[cert\] enabled is not true/);
  });

  test('and is of another host or receiver is an error, before anything is done', async (t) => {
    const machine = await withConfig(t, () => 'host_id = "lab-2"\n[receiver]\nurl = "https://other.example"\n');
    await assert.rejects(machine.bootstrap({ token: 'x' }), { code: 'bad-input', message: /lab-2.*other\.example/ });
    assert.deepEqual(machine.server.requests, []);
  });

  test('and is the template gives way, and is kept beside it', async (t) => {
    const machine = await withConfig(t, ({ tree }) => readFileSync(join(tree, 'etc/lab-host.toml.example'), 'utf8'));
    const before = machine.read(CONFIG);
    assert.equal(await machine.bootstrap({ token: machine.server.addToken() }), 0);
    assert.match(machine.read(CONFIG), /^host_id = "lab-1"$/m);
    assert.equal(machine.read(`${CONFIG}.before-bootstrap`), before);
  });
});
