import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type IssuedCertificate, TestAuthority } from '../../../test/support/certificates.ts';
import { hasSystemPart } from '../../../test/support/system-part.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import type { CredentialSource } from './credentials.ts';
import { json, pathTo, serve, serveRaw, serveTls } from './ping.fixture.ts';
import { type LayerReport, runLayers } from './ping-layers.ts';
import { clientCertificateLayer, tlsLayer } from './ping-tls-layers.ts';

interface Lab {
  ca: TestAuthority;
  foreign: TestAuthority;
}

function lab(t: TestContext): Lab | undefined {
  if (!hasSystemPart(t, ['openssl', 'version'], 'openssl')) return undefined;
  const root = temporaryDirectory(t);
  return {
    ca: TestAuthority.create(join(root, 'ca')),
    foreign: TestAuthority.create(join(root, 'foreign'), 'Other CA'),
  };
}

function trusting(ca: TestAuthority, host?: IssuedCertificate): CredentialSource {
  const tls = { ca: ca.certificate.toString(), ...(host && { cert: host.cert, key: host.key }) };
  const credentials = { bearerToken: undefined, tls };
  return { current: () => credentials, lookAgain: () => undefined };
}

async function tlsReports(...[t, url, more]: Parameters<typeof pathTo>): Promise<[LayerReport, LayerReport]> {
  const path = pathTo(t, url, more);
  const [tls, client] = await runLayers(
    [
      ['tls', tlsLayer],
      ['client certificate', clientCertificateLayer],
    ],
    path,
  );
  assert.ok(tls && client);
  return [tls, client];
}

const failureOf = (report: LayerReport) => (report.status === 'failed' ? report.code : report.status);

describe('the certificate of the receiver', () => {
  test('is trusted', async (t) => {
    const at = lab(t);
    if (!at) return;
    const url = await serveTls(t, at.ca.issueForServer());
    const [tls, client] = await tlsReports(t, url, { credentials: trusting(at.ca) });
    assert.ok(tls.status === 'ok' && /^TLSv1\.3, certificate for DNS:localhost, IP Address:127/.test(tls.detail));
    assert.equal(client.status, 'not used');
  });

  for (const [fault, issue, code, cure] of [
    [
      'has expired',
      ({ ca }: Lab) => ca.issueForServer({ fromDays: -9, untilDays: -2 }),
      'certificate-expired',
      /renew it on the receiver/,
    ],
    [
      'is not valid yet',
      ({ ca }: Lab) => ca.issueForServer({ fromDays: 2 }),
      'certificate-not-yet-valid',
      /timedatectl/,
    ],
    [
      'is for another name',
      ({ ca }: Lab) => ca.issueForServer({ san: 'DNS:other.lab' }),
      'certificate-wrong-name',
      /a name that the certificate has/,
    ],
    [
      'is by an authority that nobody knows',
      ({ foreign }: Lab) => foreign.issueForServer(),
      'certificate-untrusted',
      /ca_file/,
    ],
  ] as const) {
    test(fault, async (t) => {
      const at = lab(t);
      if (!at) return;
      const paths: string[] = [];
      const url = await serveTls(t, issue(at), (request, response) => {
        paths.push(`${request.url} ${request.headers.authorization}`);
        response.end('{}');
      });
      const credentials = trusting(at.ca);
      credentials.current().bearerToken = 'secret';
      const [tls, client] = await tlsReports(t, url, { credentials });
      assert.ok(tls.status === 'failed' && tls.code === code, JSON.stringify(tls));
      assert.match(tls.cure, cure);
      assert.match(tls.detail, /valid from .* to /);
      assert.deepEqual(client, { layer: 'client certificate', status: 'not reached' });
      assert.ok(!paths.join().includes('secret'), 'no credential goes to one that is not trusted');
      if (/expired|yet/.test(code)) assert.match(tls.detail, /the clock here says 20.*, the receiver's 20/);
    });
  }

  test('is valid by the clock of the receiver, and the clock here is wrong', async (t) => {
    const at = lab(t);
    if (!at) return;
    const issued = at.ca.issueForServer({ fromDays: 2 });
    const inThreeDays = new Date(Date.now() + 3 * 86_400_000);
    const url = await serveTls(t, issued, (_request, response) => {
      response.setHeader('Date', inThreeDays.toUTCString());
      response.end('{}');
    });
    const [tls] = await tlsReports(t, url, { credentials: trusting(at.ca) });
    assert.ok(tls.status === 'failed' && tls.code === 'clock-wrong');
    assert.match(tls.cure, /timedatectl set-ntp true/);
  });

  test('is not there: the port speaks HTTP', async (t) => {
    const url = (await serve(t, json(200))).replace('http:', 'https:');
    const [tls] = await tlsReports(t, url);
    assert.equal(failureOf(tls), 'not-tls');
  });

  test('does not come', async (t) => {
    const port = await serveRaw(t, (socket) => socket.resume());
    const [tls] = await tlsReports(t, `https://127.0.0.1:${port}`, { timeoutMs: 50 });
    assert.equal(failureOf(tls), 'connect-timeout');
  });

  test('is not wanted without TLS', async (t) => {
    const [tls, client] = await tlsReports(t, await serve(t, json(200)));
    assert.deepEqual([tls.status, client.status], ['not used', 'not used']);
  });
});

describe('the certificate of this host', () => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    for (const [what, shown, code] of [
      ['none', () => undefined, 'client-certificate-missing'],
      ['one of another authority', ({ foreign }: Lab) => foreign.issue(), 'client-certificate-refused'],
      ['the right one', ({ ca }: Lab) => ca.issue(), 'ok'],
    ] as const) {
      test(`${what}, shown to a server that wants one over ${maxVersion}`, async (t) => {
        const at = lab(t);
        if (!at) return;
        const ca = at.ca.certificate.toString();
        const options = { ...at.ca.issueForServer(), requestCert: true, rejectUnauthorized: true, ca, maxVersion };
        const [tls, client] = await tlsReports(t, await serveTls(t, options), {
          credentials: trusting(at.ca, shown(at)),
        });
        assert.deepEqual([failureOf(tls), failureOf(client)], ['ok', code], JSON.stringify([tls, client]));
      });
    }
  }

  test('is wanted by a proxy that says so in HTTP', async (t) => {
    const at = lab(t);
    if (!at) return;
    const url = await serveTls(t, at.ca.issueForServer(), (_request, response) => {
      response.writeHead(400, { 'Content-Type': 'text/html' });
      response.end('<h1>400 Bad Request</h1>No required SSL certificate was sent');
    });
    const [, client] = await tlsReports(t, url, { credentials: trusting(at.ca) });
    assert.equal(failureOf(client), 'client-certificate-missing');
  });
});
