import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createSecureContext } from 'node:tls';
import { type IssuedCertificate, TestAuthority } from '../../../test/support/certificates.ts';
import { makeDirectory, removeDirectory } from '../../../test/support/temporary-directory.ts';
import { AppError } from '../../lib/app-error.ts';
import { Secret } from '../../lib/config/secret-file.ts';
import { listenConfig } from '../identity/identity.fixture.ts';
import { tlsOptionsOf } from './tls-options.ts';

let directory: string;
let ca: TestAuthority;
let receiver: IssuedCertificate;

before(() => {
  directory = makeDirectory();
  ca = TestAuthority.create(join(directory, 'ca'));
  receiver = ca.issueForServer();
});
after(() => removeDirectory(directory));

function file(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

function options(certFile = receiver.certFile, key = receiver.key, client_ca_file = ca.certFile) {
  return tlsOptionsOf(
    listenConfig({ tls: { cert_file: certFile, key_file: new Secret(key), client_ca_file } }),
    Date.now(),
  );
}

test('good files give options that TLS takes, and no warning', () => {
  const made = options();
  assert.deepEqual(made?.warnings, []);
  assert.deepEqual([made?.options.requestCert, made?.options.rejectUnauthorized], [true, false]);
  createSecureContext(made?.options);
});

test('without a certificate of its own HTTP is spoken', () => {
  assert.equal(tlsOptionsOf(listenConfig(), Date.now()), undefined);
  const behindProxy = listenConfig({ trusted_proxies: ['127.0.0.1'], tls: { client_ca_file: ca.certFile } });
  assert.equal(tlsOptionsOf(behindProxy, Date.now()), undefined);
});

test('what is wrong is told with its file, and with the command that shows it', () => {
  const other = ca.issueForServer();
  const missing = join(directory, 'missing.crt');
  const empty = file('empty.crt', 'nothing');
  const damaged = file('damaged.crt', receiver.cert.replace(/\n.{60}/, `\n${'A'.repeat(60)}`));
  const cases: [make: () => unknown, message: RegExp, hint: RegExp][] = [
    [() => options(missing), /cert_file: .*missing\.crt cannot be read: ENOENT/, /ls -l/],
    [() => options(empty), /cert_file: .*empty\.crt holds no certificate in PEM/, /openssl x509 -in .*empty\.crt/],
    [() => options(damaged), /cert_file: certificate 1 of .*damaged\.crt is damaged/, /openssl x509/],
    [() => options(receiver.certFile, other.key), /key_file is not the key of .*cert_file/, /-pubkey/],
    [() => options(receiver.certFile, 'x'), /key_file holds no private key in PEM/, /openssl pkey/],
    [() => options(undefined, undefined, empty), /client_ca_file: .*empty\.crt holds no certificate/, /openssl x509/],
    [() => options(undefined, undefined, ca.keyFile), /client_ca_file: .*ca\.key holds no certificate/, /openssl x509/],
  ];
  for (const [make, message, hint] of cases) {
    assert.throws(make, (error) => {
      assert.ok(error instanceof AppError && error.code === 'bad-certificate');
      assert.match(error.message, message);
      assert.match(error.hint ?? '', hint);
      assert.doesNotMatch(`${error.message}${error.hint}`, /PRIVATE KEY/);
      return true;
    });
  }
});

test('a date that is wrong is a warning: it starts all the same', () => {
  const expired = ca.issueForServer({ fromDays: -3, untilDays: -1 });
  const early = ca.issueForServer({ fromDays: 1 });
  assert.match(
    options(expired.certFile, expired.key)?.warnings.join() ?? '',
    /cert_file, .*: .*CN=receiver\.lab expired at/,
  );
  assert.match(options(early.certFile, early.key)?.warnings.join() ?? '', /is not valid before/);
  const bundle = file('bundle.crt', `${ca.certificate}${expired.cert}`);
  assert.equal(options(undefined, undefined, bundle)?.warnings.length, 1);
});
