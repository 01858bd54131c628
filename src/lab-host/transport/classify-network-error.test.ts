import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { createServer as createTlsServer, request as httpsRequest } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { hasSystemPart } from '../../../test/support/system-part.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { AppError } from '../../lib/app-error.ts';
import { classifyNetworkError } from './classify-network-error.ts';

describe('by code', () => {
  for (const [code, kind, told] of [
    ['tarball-unreadable', 'damaged', 'tarball-unreadable'],
    ['credentials-unusable', 'held', 'credentials-unusable'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'held', 'certificate-wrong-name'],
    ['HOSTNAME_MISMATCH', 'held', 'certificate-wrong-name'],
    ['CERT_HAS_EXPIRED', 'held', 'certificate-expired'],
    ['CERT_NOT_YET_VALID', 'held', 'certificate-not-yet-valid'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'held', 'certificate-untrusted'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'held', 'certificate-untrusted'],
    ['CERT_SIGNATURE_FAILURE', 'held', 'certificate-untrusted'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'held', 'certificate-untrusted'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'held', 'client-certificate-refused'],
    ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', 'held', 'client-certificate-refused'],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'held', 'client-certificate-refused'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'held', 'tls-failed'],
    ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'held', 'tls-failed'],
    ['EPROTO', 'held', 'tls-failed'],
    ['EPROTONOSUPPORT', 'transient', 'eprotonosupport'],
    ['ENOTFOUND', 'held', 'name-not-found'],
    ['EAI_NONAME', 'held', 'name-not-found'],
    ['ERR_INVALID_URL', 'held', 'name-not-found'],
    ['EAI_AGAIN', 'transient', 'eai_again'],
    ['ECONNREFUSED', 'transient', 'econnrefused'],
    ['ECONNRESET', 'transient', 'econnreset'],
    ['EPIPE', 'transient', 'epipe'],
    ['ETIMEDOUT', 'transient', 'etimedout'],
    ['EHOSTUNREACH', 'transient', 'ehostunreach'],
    ['ENETUNREACH', 'transient', 'enetunreach'],
    ['idle-timeout', 'transient', 'idle-timeout'],
    ['connect-timeout', 'transient', 'connect-timeout'],
    ['ABORT_ERR', 'transient', 'abort_err'],
  ] as const) {
    test(`${code} is ${kind}`, () => {
      const refused = { status: 0, detail: 'why', code: told };
      const retry = kind === 'transient' ? { retryAfterS: undefined } : {};
      assert.deepEqual(classifyNetworkError(new AppError(code, 'why')), { kind, ...refused, ...retry });
    });
  }
  for (const error of ['text', undefined, new Error('x'), Object.assign(new Error('x'), { code: 20 })]) {
    test(`${String(error)} without a code is transient`, () => {
      const verdict = classifyNetworkError(error);
      assert.equal(verdict.kind, 'transient');
      assert.equal('code' in verdict && verdict.code, 'network-error');
    });
  }
});

describe('real errors', () => {
  test('of a name with several addresses, each of them that failed is told', () => {
    const causes = ['connect ECONNREFUSED ::1:9', 'connect ECONNREFUSED 127.0.0.1:9'];
    const error = new AggregateError(causes.map((message) => new Error(message)));
    const { kind, code, detail } = classifyNetworkError(Object.assign(error, { code: 'ECONNREFUSED' }));
    assert.deepEqual([kind, code, detail], ['transient', 'econnrefused', causes.join('; ')]);
  });

  test('a port where nobody listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const verdict = classifyNetworkError(await failureOf(`http://127.0.0.1:${port}/`));
    assert.equal(verdict.kind, 'transient');
    assert.ok('code' in verdict && verdict.code === 'econnrefused' && verdict.detail.includes(String(port)));
  });

  test('a name that does not resolve waits for somebody; a resolver that does not answer, for time', async () => {
    const error = await failureOf('http://nothing.invalid/');
    const verdict = classifyNetworkError(error);
    const isKnownNot = error.code === 'ENOTFOUND';
    assert.ok(isKnownNot || error.code === 'EAI_AGAIN', String(error.code));
    assert.equal(verdict.kind, isKnownNot ? 'held' : 'transient');
  });

  test('a certificate that nobody has signed', async (t) => {
    const port = await serveTls(t, 'localhost');
    if (port === undefined) return;
    assert.deepEqual(kindAndCode(await failureOf(`https://localhost:${port}/`)), ['held', 'certificate-untrusted']);
  });

  test('a trusted certificate for another name', async (t) => {
    const port = await serveTls(t, 'another.example');
    if (port === undefined) return;
    const error = await failureOf(`https://localhost:${port}/`, CERTIFICATES.get(port));
    assert.equal(error.code, 'ERR_TLS_CERT_ALTNAME_INVALID');
    assert.deepEqual(kindAndCode(error), ['held', 'certificate-wrong-name']);
  });

  test('a port that speaks no TLS', async (t) => {
    const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(0, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    assert.deepEqual(kindAndCode(await failureOf(`https://127.0.0.1:${port}/`)), ['held', 'not-tls']);
  });
});

const CERTIFICATES = new Map<number, string>();

/** A server with a self-signed certificate for `name`; undefined when openssl is not there. */
async function serveTls(t: TestContext, name: string): Promise<number | undefined> {
  if (!hasSystemPart(t, ['openssl', 'version'], 'openssl')) return undefined;
  const directory = temporaryDirectory(t);
  const [keyFile, certFile] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile];
  writeFileSync(join(directory, 'openssl.cnf'), '[req]\ndistinguished_name=dn\n[dn]\n');
  execFileSync(
    'openssl',
    ['req', '-x509', '-config', join(directory, 'openssl.cnf'), ...key, '-out', certFile, '-days', '2', ...subject],
    { stdio: 'ignore' },
  );
  const server = createTlsServer({ key: readFileSync(keyFile), cert: readFileSync(certFile) }).listen(0);
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  CERTIFICATES.set(port, readFileSync(certFile, 'utf8'));
  return port;
}

async function failureOf(url: string, ca?: string): Promise<NodeJS.ErrnoException> {
  const request = url.startsWith('https')
    ? httpsRequest(url, { agent: false, ...(ca && { ca }) })
    : httpRequest(url, { agent: false });
  const { promise, resolve, reject } = Promise.withResolvers<NodeJS.ErrnoException>();
  request.on('error', resolve);
  request.on('response', () => reject(new Error('it answered')));
  request.end();
  return await promise;
}

function kindAndCode(error: unknown): [string, string] {
  const verdict = classifyNetworkError(error);
  return [verdict.kind, 'code' in verdict ? verdict.code : ''];
}
