import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { publishEpisode } from '../../../test/support/episodes.ts';
import { makeDirectory, removeDirectory } from '../../../test/support/temporary-directory.ts';
import { noStepObserver } from '../../lib/after-step.ts';
import type { Clock } from '../../lib/clock.ts';
import { parsePlainLogLine } from '../../lib/log-line.ts';
import { createLogger } from '../../lib/logger.ts';
import { makeProblem, type ProblemCode } from '../../protocol/problem.ts';
import { type DataLayout, dataLayout, makeDataDirectories, outboxFiles } from '../data-layout.ts';
import type { ReceiverAnswer } from '../transport/classify-answer.ts';
import { GateMemory } from './gate-memory.ts';
import { HeldBack } from './held-back.ts';
import { Pace } from './pace.ts';
import type { PackedEpisode } from './pack-episode.ts';
import type { Transport } from './put-episode.ts';
import { ReceiverLink } from './receiver-link.ts';
import { RefusalBrake } from './refusal-brake.ts';
import { ReleaseTrial } from './release-trial.ts';
import { EpisodeScanner } from './scan-episodes.ts';
import { type PassDependencies, shipPass } from './ship-pass.ts';
import { Uptime } from './uptime.ts';

const HOST = 'lab-07';
const WALL = '2026-05-01T06:37:53.830599+00:00';
const CONCURRENCY = 2;

let root: string;
let layout: DataLayout;
let log: string[];
/** The episodes of the attempts, in order. */
let sent: string[];
let answer: (episode: PackedEpisode) => ReceiverAnswer;
let stop: AbortController;
let isMounted = false;

beforeEach(() => {
  root = makeDirectory();
  layout = dataLayout(root);
  log = [];
  sent = [];
  answer = stored;
  stop = new AbortController();
});
afterEach(() => {
  if (isMounted) spawnSync('umount', ['--lazy', root]);
  isMounted = false;
  removeDirectory(root);
});

async function openPass(more: Partial<PassDependencies> = {}): Promise<PassDependencies> {
  await makeDataDirectories(layout);
  let nowMs = 0;
  // Whoever sleeps passes the time.
  const clock: Clock = {
    wallTime: () => WALL,
    monotonicMs: () => nowMs,
    sleep: async (ms, signal) => {
      await nextTurn();
      if (!signal?.aborted) nowMs += ms;
    },
  };
  const logger = createLogger({ level: 'info', form: 'plain', clock, write: (line) => log.push(line.trimEnd()) });
  const transport: Transport = {
    async put(_, episode) {
      sent.push(episode.episodeId);
      return answer(episode);
    },
    ask: async () => json(404, {}),
    close: () => undefined,
  };
  return {
    hostId: HOST,
    layout,
    zstdLevel: 1,
    transport,
    link: new ReceiverLink(clock, () => 1),
    patience: 'patient',
    tallies: new Map(),
    gateMemory: new GateMemory(transport, clock),
    brake: new RefusalBrake(),
    heldBack: new HeldBack(clock),
    trial: new ReleaseTrial(join(layout.root, 'data')),
    uptime: await Uptime.load(layout.uptimeFile, clock),
    scanner: new EpisodeScanner(layout, logger),
    concurrency: CONCURRENCY,
    order: 'oldest-first',
    pace: new Pace(),
    clock,
    logger,
    afterStep: noStepObserver,
    onVerdict: () => undefined,
    onWork: () => undefined,
    onProgress: () => undefined,
    ...more,
  };
}

function json(status: number, body: object): ReceiverAnswer {
  return { status, contentType: 'application/json', body: JSON.stringify(body), retryAfterS: undefined };
}

function stored({ episodeId, sha256 }: PackedEpisode): ReceiverAnswer {
  return json(201, { status: 'stored', host_id: HOST, episode_id: episodeId, sha256 });
}

function problem(code: ProblemCode): ReceiverAnswer {
  const body = makeProblem(code, 'why', 'r-1');
  return json(body.status, body);
}

/** In the order of their names. */
function publish(count: number, sizeOf: (index: number) => number = () => 100): string[] {
  mkdirSync(layout.episodes, { recursive: true });
  return Array.from({ length: count }, (_, index) => {
    const episodeId = `e${String(index).padStart(2, '0')}`;
    publishEpisode(root, HOST, { episodeId, commit: undefined, files: { data: randomBytes(sizeOf(index)) } });
    utimesSync(join(layout.episodes, episodeId), 1_000 + index, 1_000 + index);
    return episodeId;
  });
}

const tarballs = () => readdirSync(layout.outbox).filter((name) => name.endsWith('.tar.zst'));
const waiting = () => readdirSync(layout.episodes).sort();
const told = (pattern: RegExp) =>
  log.filter((line) => pattern.test(parsePlainLogLine(line)?.message ?? '')).map((line) => line.split(' ')[0]);

describe('a long outage', () => {
  for (const [what, fail] of [
    [
      'nobody answers',
      () => {
        throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
      },
    ],
    ['the store is full', () => problem('disk-reserve')],
    ['the credential is refused', () => problem('forbidden')],
  ] satisfies [string, () => ReceiverAnswer][]) {
    test(`${what}: a few are packed, however often it is tried; then all go, oldest first`, async () => {
      const ids = publish(20);
      const dependencies = await openPass();
      let most = 0;
      answer = () => {
        most = Math.max(most, tarballs().length);
        if (sent.length === 100) stop.abort();
        return fail();
      };
      while (!stop.signal.aborted) await shipPass(dependencies, stop.signal);
      assert.ok(most <= CONCURRENCY + 1, `${most} tarballs`);
      assert.deepEqual(waiting(), ids);
      const packings = log.filter((line) => line.includes('episode packed')).length;
      assert.ok(packings < sent.length / 2, `${packings} packings for ${sent.length} attempts`);

      // The next life, in which the outage ends in the middle of a pass.
      sent = [];
      answer = (episode) => (sent.length <= 12 ? fail() : stored(episode));
      // One worker, so that the order of the attempts is that of the turns.
      const next = await openPass({ concurrency: 1 });
      assert.equal(await shipPass(next, new AbortController().signal), 0);
      const taken = sent.slice(12);
      assert.deepEqual(taken.toSorted(), ids, 'each was sent once after it');
      for (const [index, episodeId] of taken.entries()) {
        assert.ok(index - ids.indexOf(episodeId) <= 2, `${episodeId} waits for no more younger ones`);
      }
      assert.deepEqual(tarballs(), []);
    });
  }

  test('each has its turn, though few are packed', async () => {
    const ids = publish(6);
    const dependencies = await openPass({ concurrency: 1 });
    answer = () => problem('gate-unknown');
    await shipPass(dependencies, stop.signal);
    const [oldest = '', ...others] = ids;
    assert.deepEqual(
      sent,
      others.flatMap((episodeId) => [oldest, episodeId]),
    );
    assert.deepEqual(tarballs(), [`${oldest}.tar.zst`]);
  });

  test('a tarball of which the receiver has a part stays, and so does the note of it', async () => {
    const [oldest = '', , begun = ''] = publish(4);
    const dependencies = await openPass({ concurrency: 1 });
    const { tarball, uploadNote } = outboxFiles(layout, begun);
    answer = ({ episodeId }) => {
      if (episodeId === begun) writeFileSync(uploadNote, '{}');
      return problem('gate-unknown');
    };
    await shipPass(dependencies, stop.signal);
    assert.deepEqual(tarballs().sort(), [`${oldest}.tar.zst`, basename(tarball)]);
    assert.ok(readdirSync(layout.outbox).includes(basename(uploadNote)));
  });

  test('an impatient pass packs nothing more once there is no hope', async () => {
    const ids = publish(10);
    const dependencies = await openPass({ patience: 'impatient' });
    answer = () => problem('forbidden');
    assert.equal(await shipPass(dependencies, stop.signal), ids.length);
    assert.ok(sent.length <= CONCURRENCY && tarballs().length <= CONCURRENCY);
  });
});

test('more bad episodes than may lie packed keep no good one from its way', async () => {
  const ids = publish(12);
  const bad = new Set(ids.slice(0, 6));
  const dependencies = await openPass();
  answer = (episode) => (bad.has(episode.episodeId) ? problem('internal-error') : stored(episode));
  assert.equal(await shipPass(dependencies, stop.signal), bad.size);
  assert.deepEqual(waiting(), [...bad]);
  assert.ok(tarballs().length <= CONCURRENCY + 1);
});

describe('a full disk', () => {
  /** A filesystem with so much room beside the episodes that are published on it. */
  function mounted(t: TestContext, size: string): boolean {
    isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', root]).status === 0;
    if (!isMounted) t.skip('needs leave to mount a tmpfs (root)');
    return isMounted;
  }
  const MIB = 1024 ** 2;
  const NO_ROOM = /no room for the files/;
  const ROOM_AGAIN = /there is room again/;

  test('the oldest does not fit: those behind it that do go on, and it is told once', async (t) => {
    if (!mounted(t, '8m')) return;
    const [large = '', ...small] = publish(6, (index) => (index === 0 ? 5 * MIB : 50_000));
    const dependencies = await openPass();
    // In the first one another may be packed beside it, and find no room either.
    for (let pass = 0; pass < 3; pass += 1) await shipPass(dependencies, stop.signal);
    assert.deepEqual(waiting(), [large]);
    assert.deepEqual(sent.toSorted(), small);
    assert.equal(told(NO_ROOM).length, 1);
    assert.equal(told(ROOM_AGAIN).length, 0);
    assert.deepEqual(readdirSync(layout.outbox), []);
    assert.equal(dependencies.pace.isShortOfRoom, true);
    rmSync(layout.shipped, { recursive: true });
    mkdirSync(layout.shipped);
    spawnSync('mount', ['-o', 'remount,size=32m', root]);
    assert.equal(await shipPass(dependencies, stop.signal), 0);
    assert.equal(told(ROOM_AGAIN).length, 1);
    assert.equal(dependencies.pace.isShortOfRoom, false);
  });

  test('many do not fit: few are tried in each pass, and one behind all of them has its turn', async (t) => {
    if (!mounted(t, '16m')) return;
    const ids = publish(13, (index) => (index < 12 ? 1.2 * MIB : 1_000));
    writeFileSync(join(root, 'ballast'), new Uint8Array(MIB));
    const dependencies = await openPass();
    const tried: string[] = [];
    dependencies.onProgress = ({ last }) => void (last && tried.push(last.episodeId));
    for (let pass = 1; pass <= 3; pass += 1) {
      tried.length = 0;
      await shipPass(dependencies, stop.signal);
      assert.ok(tried.length <= 7, `${tried.length} tries`);
      assert.ok(tried.includes(ids[0] ?? ''), 'the oldest always is');
    }
    assert.deepEqual(sent, [ids[12]]);
    assert.equal(told(NO_ROOM).length, 1);
  });
});
