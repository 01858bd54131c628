import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { publishEpisode } from '../../../test/support/episodes.ts';
import { eventually, freePort } from '../../../test/support/program.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { systemClock } from '../../lib/clock.ts';
import { loadConfig } from '../../lib/config/load-config.ts';
import { createLogger } from '../../lib/logger.ts';
import { makeProblem } from '../../protocol/problem.ts';
import { dataLayout, makeDataDirectories } from '../data-layout.ts';
import { labHostConfigDefinition } from '../lab-host-config.ts';
import { runShipper } from './app.ts';

// Only to end a test that hangs.
const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 20;

test('shipper-state.json tells why nothing is sent while the queue is held, and what waits', async (t) => {
  const root = temporaryDirectory(t);
  const layout = dataLayout(join(root, 'data'));
  mkdirSync(layout.episodes, { recursive: true });
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const problem = makeProblem('forbidden', 'not your host id', 'r-1');
      response.writeHead(problem.status, { 'Content-Type': 'application/problem+json' }).end(JSON.stringify(problem));
    });
  }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const configPath = join(root, 'lab-host.toml');
  writeFileSync(
    configPath,
    `host_id = "lab-07"\n[paths]\ndata_dir = "data"\n[receiver]\nurl = "http://127.0.0.1:${port}"\n`,
  );
  const stop = new AbortController();
  t.after(() => stop.abort());
  publishEpisode(layout.root, 'lab-07', { episodeId: 'e', commit: undefined, files: {} });

  const running = runShipper({
    config: loadConfig(labHostConfigDefinition, configPath).config,
    installRoot: '/nowhere',
    once: false,
    stop: stop.signal,
    logger: createLogger({ level: 'error', form: 'plain', clock: systemClock, write: () => undefined }),
    clock: systemClock,
  });
  const stateOf = () => JSON.parse(readFileSync(layout.stateFile, 'utf8'));
  const deadline = AbortSignal.timeout(PATIENCE_MS);
  for (;;) {
    deadline.throwIfAborted();
    if (existsSync(layout.stateFile) && stateOf().trouble !== null) break;
    await delay(LOOK_EVERY_MS);
  }
  const { started_at_wall: _, ...state } = stateOf();
  const { shipped, duplicates, quarantined, waiting, last, last_answer, trouble } = state;
  assert.deepEqual([shipped, duplicates, quarantined, waiting, last], [0, 0, 0, 1, null]);
  assert.deepEqual(
    [last_answer.episode_id, last_answer.status, last_answer.code, last_answer.detail],
    ['e', 403, 'forbidden', 'not your host id'],
  );
  assert.deepEqual([trouble.kind, trouble.code, trouble.detail], ['held', 'forbidden', 'not your host id']);
  assert.match(trouble.cure, /host_id/);
  stop.abort();
  assert.equal(await running, 0);
  assert.equal(stateOf().trouble.code, 'forbidden');
});

test('what a killed command left half-way goes back into the queue at the next start', async (t) => {
  const root = temporaryDirectory(t);
  const layout = dataLayout(join(root, 'data'));
  await makeDataDirectories(layout);
  const port = await freePort();
  const configPath = join(root, 'lab-host.toml');
  writeFileSync(
    configPath,
    `host_id = "lab-07"\n[paths]\ndata_dir = "data"\n[receiver]\nurl = "http://127.0.0.1:${port}"\n`,
  );
  for (const [place, name, action] of [
    [layout.quarantine, 'q', 'requeued'],
    [layout.shipped, 's', 'reshipped'],
  ] as const) {
    mkdirSync(join(place, name));
    writeFileSync(join(place, name, 'data'), name);
    const row = { at_wall: '2026-05-01T00:00:00.000000+00:00', action, by: 'test', episode_id: name, name, note: null };
    writeFileSync(join(layout.root, 'queue-history.jsonl'), `${JSON.stringify(row)}\n`, { flag: 'a' });
  }
  const code = await runShipper({
    config: loadConfig(labHostConfigDefinition, configPath).config,
    installRoot: '/nowhere',
    once: true,
    stop: new AbortController().signal,
    logger: createLogger({ level: 'error', form: 'plain', clock: systemClock, write: () => undefined }),
    clock: systemClock,
  });
  assert.equal(code, 1, 'nobody listens there: they wait');
  assert.deepEqual(readdirSync(layout.episodes).sort(), ['q', 's']);
  assert.deepEqual([readdirSync(layout.quarantine), readdirSync(layout.shipped)], [[], []]);
});

test('while everything is held, what is recorded meanwhile is counted', async (t) => {
  const root = temporaryDirectory(t);
  const layout = dataLayout(join(root, 'data'));
  await makeDataDirectories(layout);
  const server = createServer((_, response) => response.writeHead(403).end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const configPath = join(root, 'lab-host.toml');
  writeFileSync(
    configPath,
    `host_id = "lab-07"\n[paths]\ndata_dir = "data"\n[receiver]\nurl = "http://127.0.0.1:${port}"\n[shipper]\nmin_free = "0 B"\n`,
  );
  publishEpisode(layout.root, 'lab-07', { episodeId: 'e', commit: undefined, files: {} });
  const stop = new AbortController();
  const running = runShipper({
    config: loadConfig(labHostConfigDefinition, configPath).config,
    installRoot: '/nowhere',
    once: false,
    stop: stop.signal,
    logger: createLogger({ level: 'error', form: 'plain', clock: systemClock, write: () => undefined }),
    clock: systemClock,
  });
  const waits = async (count: number) => {
    const state = () => JSON.parse(readFileSync(layout.stateFile, 'utf8'));
    await eventually(
      () => existsSync(layout.stateFile) && state().trouble?.kind === 'held' && state().waiting === count,
      `${count} wait`,
    );
  };
  await waits(1);
  for (const episodeId of ['f', 'g'])
    publishEpisode(layout.root, 'lab-07', { episodeId, commit: undefined, files: {} });
  await waits(3);
  stop.abort();
  assert.equal(await running, 0);
});

test('a restart begins no new row of refusals: the tenth in all stays', async (t) => {
  const root = temporaryDirectory(t);
  const layout = dataLayout(join(root, 'data'));
  await makeDataDirectories(layout);
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const problem = makeProblem('conflict', 'another is stored', 'r-1');
      response.writeHead(problem.status, { 'Content-Type': 'application/problem+json' }).end(JSON.stringify(problem));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const configPath = join(root, 'lab-host.toml');
  writeFileSync(
    configPath,
    `host_id = "lab-07"\n[paths]\ndata_dir = "data"\n[receiver]\nurl = "http://127.0.0.1:${port}"\n`,
  );
  for (let life = 0; life < 3; life += 1) {
    for (let n = 0; n < 5; n += 1)
      publishEpisode(layout.root, 'lab-07', { episodeId: `e${life}-${n}`, commit: undefined, files: {} });
    await runShipper({
      config: loadConfig(labHostConfigDefinition, configPath).config,
      installRoot: '/nowhere',
      once: true,
      stop: new AbortController().signal,
      logger: createLogger({ level: 'error', form: 'plain', clock: systemClock, write: () => undefined }),
      clock: systemClock,
    });
    assert.equal(readdirSync(layout.quarantine).length, Math.min(9, 5 * (life + 1)));
  }
  assert.equal(readdirSync(layout.episodes).length, 6);
});

test('a reload says when a change waits for the next restart', async (t) => {
  const root = temporaryDirectory(t);
  const configPath = join(root, 'lab-host.toml');
  const configure = (shipper: string) => {
    const receiver = 'url = "http://127.0.0.1:9"';
    writeFileSync(
      configPath,
      `host_id = "lab-07"\n[paths]\ndata_dir = "data"\n[receiver]\n${receiver}\n[shipper]\n${shipper}\n`,
    );
    return loadConfig(labHostConfigDefinition, configPath).config;
  };
  const lines: string[] = [];
  const stop = new AbortController();
  t.after(() => stop.abort());
  const subscribed = Promise.withResolvers<() => void>();
  let shipper = '';
  const running = runShipper({
    config: configure(shipper),
    installRoot: '/nowhere',
    once: false,
    stop: stop.signal,
    reloads: { load: async () => configure(shipper), subscribe: subscribed.resolve },
    logger: createLogger({ level: 'info', form: 'plain', clock: systemClock, write: (line) => void lines.push(line) }),
    clock: systemClock,
  });
  const reload = await subscribed.promise;
  for (const [changed, waits] of [
    ['order = "newest-first"', false],
    ['order = "newest-first"\nconcurrency = 3', true],
    ['concurrency = 3\nbandwidth_limit = "1 MiB/s"', true],
  ] as const) {
    shipper = changed;
    lines.length = 0;
    reload();
    await eventually(() => lines.some((line) => line.includes('read again')), 'it was read again');
    assert.equal(
      lines.some((line) => line.includes('next restart')),
      waits,
      changed,
    );
  }
  stop.abort();
  assert.equal(await running, 0);
});
