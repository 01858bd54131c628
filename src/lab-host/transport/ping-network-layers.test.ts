import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { TestAuthority } from '../../../test/support/certificates.ts';
import { freePort } from '../../../test/support/program.ts';
import { hasSystemPart } from '../../../test/support/system-part.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { json, pathTo, serve, serveRaw, serveTls } from './ping.fixture.ts';
import { type Layer, type LayerReport, type PingPath, runLayers } from './ping-layers.ts';
import { nameLayer, packetLayer, tcpLayer } from './ping-network-layers.ts';

const SHORT_MS = 100;

async function reportOf(layer: Layer, path: PingPath): Promise<LayerReport> {
  const [report] = await runLayers([['it', layer]], path);
  assert.ok(report);
  return report;
}

async function codeOf(layer: Layer, path: PingPath): Promise<string> {
  const report = await reportOf(layer, path);
  return report.status === 'failed' ? report.code : report.status;
}

describe('the name', () => {
  test('resolves to its addresses', async (t) => {
    const report = await reportOf(nameLayer, pathTo(t, 'http://localhost:1'));
    assert.ok(report.status === 'ok' && /^localhost is .*(127\.0\.0\.1|::1)/.test(report.detail));
  });

  for (const address of ['127.0.0.1', '[::1]']) {
    test(`${address} needs no resolving`, async (t) => {
      const report = await reportOf(nameLayer, pathTo(t, `http://${address}:1`));
      assert.ok(report.status === 'ok' && report.detail.endsWith('is an address'));
    });
  }

  test('that nobody has is told from a resolver that does not answer', async (t) => {
    const code = await codeOf(nameLayer, pathTo(t, 'http://nothing.invalid'));
    assert.ok(['name-not-found', 'eai_again'].includes(code), code);
  });
});

describe('the connection', () => {
  test('is made', async (t) => {
    const url = await serve(t, json(200));
    const report = await reportOf(tcpLayer, pathTo(t, url));
    assert.ok(report.status === 'ok' && report.detail === `connected to 127.0.0.1 port ${new URL(url).port}`);
  });

  test('to a wrong port is refused, with the cure', async (t) => {
    const report = await reportOf(tcpLayer, pathTo(t, `http://127.0.0.1:${await freePort()}`));
    assert.ok(report.status === 'failed' && report.code === 'econnrefused');
    assert.match(report.detail, /ECONNREFUSED 127\.0\.0\.1/);
    assert.match(report.cure, /check the port in \[receiver\] url/);
  });

  test('of a name with several addresses says what became of each', async (t) => {
    const report = await reportOf(tcpLayer, pathTo(t, `http://localhost:${await freePort()}`));
    assert.ok(report.status === 'failed' && report.code === 'econnrefused' && report.detail !== '');
  });
});

/** A link that drops what is larger than 1.4 kB, without a word. */
async function narrowLink(t: TestContext, toPort: number): Promise<number> {
  return await serveRaw(t, (socket) => {
    const onward = connect(toPort, '127.0.0.1');
    onward.on('error', () => socket.destroy());
    t.after(() => onward.destroy());
    socket.on('data', (bytes) => bytes.length <= 1_400 && onward.write(bytes));
    onward.on('data', (bytes) => socket.write(bytes));
    onward.on('close', () => socket.end());
  });
}

describe('packets of full size', () => {
  async function servers(t: TestContext): Promise<Array<[scheme: string, port: number]>> {
    const plain = Number(new URL(await serve(t, json(401))).port);
    if (!hasSystemPart(t, ['openssl', 'version'], 'openssl')) return [['http', plain]];
    const issued = TestAuthority.create(join(temporaryDirectory(t), 'ca')).issueForServer();
    const secure = await serveTls(t, { cert: issued.cert, key: issued.key });
    return [
      ['http', plain],
      ['https', Number(new URL(secure).port)],
    ];
  }

  test('arrive', async (t) => {
    for (const [scheme, port] of await servers(t))
      assert.equal(await codeOf(packetLayer, pathTo(t, `${scheme}://127.0.0.1:${port}`)), 'ok', scheme);
  });

  test('are dropped on the way, while small ones arrive', async (t) => {
    for (const [scheme, port] of await servers(t)) {
      const path = pathTo(t, `${scheme}://127.0.0.1:${await narrowLink(t, port)}`, { timeoutMs: 1_000 });
      const report = await reportOf(packetLayer, path);
      assert.ok(report.status === 'failed' && report.code === 'path-mtu', `${scheme}: ${JSON.stringify(report)}`);
      assert.match(report.cure, /mtu 1280/);
    }
  });

  for (const scheme of ['http', 'https']) {
    test(`a black hole for ${scheme} is not taken for a narrow link`, async (t) => {
      const port = await serveRaw(t, (socket) => socket.resume());
      const path = pathTo(t, `${scheme}://127.0.0.1:${port}`, { timeoutMs: SHORT_MS });
      assert.equal(await codeOf(packetLayer, path), 'silent');
    });

    test(`what refuses ${scheme} has been reached`, async (t) => {
      const port = await serveRaw(t, (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
      assert.equal(await codeOf(packetLayer, pathTo(t, `${scheme}://127.0.0.1:${port}`)), 'ok');
    });
  }
});
