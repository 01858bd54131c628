import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import type { Clock } from '../../lib/clock.ts';
import { createLogger } from '../../lib/logger.ts';
import { dataLayout, makeDataDirectories } from '../data-layout.ts';
import { fixedCredentials } from '../transport/credentials.ts';
import { ShipperMetrics } from './metrics.ts';
import { keepMetricsFile } from './metrics-textfile.ts';
import { Pace } from './pace.ts';
import { ReceiverLink } from './receiver-link.ts';
import { ShipperStatus } from './shipper-status.ts';

interface Place {
  directory: string;
  file: string;
  path: string | undefined;
  link: ReceiverLink;
  lines: string[];
  /** Seconds pass; resolves once the keeper has looked after each. */
  pass(seconds: number): Promise<void>;
  end(): Promise<void>;
  /** Which second the file was last written in. */
  writtenAtS(): number;
}

/** A clock that goes on a second at a time, as often as the keeper sleeps. */
async function start(t: TestContext): Promise<Place> {
  const root = temporaryDirectory(t);
  const directory = join(root, 'textfiles');
  mkdirSync(directory);
  const layout = dataLayout(join(root, 'data'));
  await makeDataDirectories(layout);
  let nowMs = 0;
  let asleep = Promise.withResolvers<void>();
  let wake = () => {};
  const clock: Clock = {
    wallTime: () => `2026-05-01T06:${String(Math.floor(nowMs / 60_000)).padStart(2, '0')}:00.000000+00:00`,
    monotonicMs: () => nowMs,
    sleep: (_ms, signal) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      signal?.addEventListener('abort', () => resolve());
      asleep.resolve();
      return promise;
    },
  };
  const lines: string[] = [];
  const link = new ReceiverLink(clock, () => 0);
  const metrics = new ShipperMetrics(clock);
  const ended = new AbortController();
  let writtenAtS = -1;
  const text = metrics.text.bind(metrics);
  metrics.text = (now) => {
    writtenAtS = nowMs / 1000;
    return text(now);
  };
  const file = join(directory, 'cis490-shipper.prom');
  const place: Place = {
    directory,
    file,
    path: file,
    link,
    lines,
    async pass(seconds) {
      for (let passed = 0; passed < seconds; passed += 1) {
        await asleep.promise;
        asleep = Promise.withResolvers();
        nowMs += 1_000;
        wake();
        await asleep.promise;
      }
    },
    async end() {
      ended.abort();
      await keeping;
    },
    writtenAtS: () => writtenAtS,
  };
  const keeping = keepMetricsFile({
    path: () => place.path,
    metrics,
    status: new ShipperStatus(clock, link, new Pace()),
    layout,
    credentials: fixedCredentials(undefined),
    installRoot: root,
    clock,
    logger: createLogger({ level: 'info', form: 'plain', clock, write: (line) => lines.push(line) }),
    ended: ended.signal,
  });
  return place;
}

test('written each 15 s, at once when something is held, and at the end', async (t) => {
  const place = await start(t);
  await place.pass(1);
  assert.equal(place.writtenAtS(), 1);
  await place.pass(14);
  assert.equal(place.writtenAtS(), 1);
  await place.pass(1);
  assert.equal(place.writtenAtS(), 16);
  place.link.held('credential-invalid');
  await place.pass(1);
  assert.equal(place.writtenAtS(), 17);
  assert.match(readFileSync(place.file, 'utf8'), /^cis490_shipper_held_episodes\{code="credential-invalid"\} 0$/m);
  place.link.succeeded();
  await place.pass(2);
  assert.equal(place.writtenAtS(), 18);
  assert.doesNotMatch(readFileSync(place.file, 'utf8'), /^cis490_shipper_(?:held_episodes|trouble)\{/m);
  await place.end();
  assert.equal(place.writtenAtS(), 19);
});

test('others may read it whatever the umask, and nothing else is left beside it', async (t) => {
  const before = process.umask(0o077);
  t.after(() => process.umask(before));
  const place = await start(t);
  await place.pass(1);
  assert.equal(statSync(place.file).mode & 0o777, 0o644);
  assert.deepEqual(readdirSync(place.directory), ['cis490-shipper.prom']);
  await place.end();
});

test('a failure is told once, and its end; nothing is written where no file is named', async (t) => {
  const place = await start(t);
  rmSync(place.directory, { recursive: true });
  await place.pass(40);
  assert.deepEqual(
    place.lines.map((line) => / (WARNING|INFO) (.*?)[.;:]? /.exec(line)?.[1]),
    ['WARNING'],
  );
  mkdirSync(place.directory);
  await place.pass(15);
  assert.match(place.lines[1] ?? '', /INFO the metrics file is written again/);
  rmSync(place.file);
  place.path = undefined;
  await place.pass(40);
  await place.end();
  assert.deepEqual(readdirSync(place.directory), []);
  assert.equal(place.lines.length, 2);
});
