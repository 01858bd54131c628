import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { noStepObserver } from '../../lib/after-step.ts';
import { EpisodeBody } from './episode-body.ts';

const MIB = 1024 ** 2;

test('a request that ends before it has a connection ends its body, and closes the file', async (t) => {
  const tarballPath = join(temporaryDirectory(t), 'e.tar.zst');
  writeFileSync(tarballPath, Buffer.alloc(MIB));
  const stamp = { commit: undefined, dirty: false, schemaVersion: undefined };
  const episode = { episodeId: 'e', tarballPath, sha256: '', sizeBytes: MIB, sourceBytes: MIB, stamp };
  const handed = Promise.withResolvers<void>();
  const body = new EpisodeBody(episode, {
    bandwidthLimit: undefined,
    afterStep: noStepObserver,
    onSent: () => setImmediate(handed.resolve),
  });
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const agent = new Agent({ maxSockets: 1 });
  t.after(() => {
    agent.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const ask = () => request({ host: '127.0.0.1', port, agent, method: 'PUT', headers: { 'Content-Length': MIB } });
  const first = ask().on('error', () => undefined);
  first.flushHeaders();
  await once(server, 'request');
  const before = readdirSync('/proc/self/fd').length;
  const put = ask().on('error', () => undefined);
  const sending = body.send(put);
  await handed.promise;
  put.destroy();
  body.stop();
  await sending;
  assert.equal(readdirSync('/proc/self/fd').length, before);
});
