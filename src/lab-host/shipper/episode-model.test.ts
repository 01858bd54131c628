// The table of an episode's life against the program: random answers, kills of the program's memory, and commands, on real files. After
// each of them the disk must show the state that the table says.

import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Manifest, manifestOf, publishEpisode, sameManifest } from '../../../test/support/episodes.ts';
import { makeDirectory } from '../../../test/support/temporary-directory.ts';
import { noStepObserver } from '../../lib/after-step.ts';
import type { Clock } from '../../lib/clock.ts';
import { createLogger } from '../../lib/logger.ts';
import { makeProblem } from '../../protocol/problem.ts';
import { type DataLayout, dataLayout, makeDataDirectories, outboxFiles } from '../data-layout.ts';
import type { ReceiverAnswer } from '../transport/classify-answer.ts';
import { after, type EpisodeEvent, type EpisodeState, TRANSITIONS } from './episode-state.ts';
import { GateMemory } from './gate-memory.ts';
import { HeldBack } from './held-back.ts';
import type { PackedEpisode } from './pack-episode.ts';
import { reship } from './queue-tools/requeue.ts';
import { requeueEpisodes } from './queue-tools/requeue-episode.ts';
import { ReceiverLink } from './receiver-link.ts';
import { RefusalBrake } from './refusal-brake.ts';
import { ReleaseTrial } from './release-trial.ts';
import { removeSettled } from './remove-settled.ts';
import type { ShipDependencies } from './ship-dependencies.ts';
import { shipEpisode } from './ship-episode.ts';
import { Uptime } from './uptime.ts';

const HOST = 'lab-07';
const NEVER = new AbortController().signal;
const WALL = '2026-05-01T06:37:53.830599+00:00';

const ANSWERS = {
  stored: 'accepted',
  duplicate: 'accepted',
  conflict: 'refused',
  'too-large': 'refused',
  'commit-not-in-window': 'refused',
  'digest-mismatch': 'damaged-on-the-way',
  forbidden: 'put-off',
  'gate-unknown': 'put-off',
  nothing: 'put-off',
} as const satisfies Record<string, EpisodeEvent>;
type Answer = keyof typeof ANSWERS;

type Step =
  | { does: 'publish'; episode: number }
  | { does: 'ship'; episode: number; answer: Answer }
  | { does: 'requeue' | 'reship' | 'expire'; episode: number }
  | { does: 'restart' };

const episode = fc.integer({ min: 0, max: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ does: fc.constant('publish' as const), episode }) },
  {
    weight: 6,
    arbitrary: fc.record({
      does: fc.constant('ship' as const),
      episode,
      answer: fc.constantFrom(...(Object.keys(ANSWERS) as Answer[])),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ does: fc.constantFrom('requeue' as const, 'reship' as const, 'expire' as const), episode }),
  },
  { weight: 1, arbitrary: fc.constant({ does: 'restart' as const }) },
);

class World {
  readonly layout: DataLayout = dataLayout(makeDirectory());
  readonly states = new Map<string, EpisodeState>();
  readonly manifests = new Map<string, Manifest>();
  dependencies: ShipDependencies | undefined;
  answer: Answer = 'nothing';
  nowMs = 0;

  readonly clock: Clock = {
    wallTime: () => WALL,
    monotonicMs: () => this.nowMs,
    sleep: async (ms) => {
      this.nowMs += ms;
    },
  };

  /** A process without any memory of the one before. */
  async restart(): Promise<ShipDependencies> {
    const { clock, layout } = this;
    const transport = {
      put: async (_host: string, packed: PackedEpisode) => this.respond(packed),
      ask: async () => json(404, {}),
      close: () => undefined,
    };
    this.dependencies = {
      hostId: HOST,
      layout,
      zstdLevel: 1,
      transport: transport as never,
      link: new ReceiverLink(clock, () => 0),
      patience: 'patient',
      tallies: new Map(),
      gateMemory: new GateMemory(transport as never, clock),
      brake: new RefusalBrake(),
      heldBack: new HeldBack(clock),
      trial: new ReleaseTrial(join(layout.root, 'data')),
      uptime: await Uptime.load(layout.uptimeFile, clock),
      clock,
      logger: createLogger({ level: 'error', form: 'plain', clock, write: () => undefined }),
      afterStep: noStepObserver,
      onVerdict: () => undefined,
      onWork: () => undefined,
    };
    return this.dependencies;
  }

  respond({ episodeId, sha256 }: PackedEpisode): ReceiverAnswer {
    if (this.answer === 'nothing') throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    if (this.answer === 'stored' || this.answer === 'duplicate') {
      return json(this.answer === 'stored' ? 201 : 200, {
        status: this.answer,
        host_id: HOST,
        episode_id: episodeId,
        sha256,
        seq: 1,
      });
    }
    const problem = makeProblem(this.answer, 'why', 'r-1');
    return json(problem.status, problem);
  }

  /** What the disk says, with no memory. */
  onDisk(id: string): EpisodeState {
    const { layout } = this;
    const is = (path: string) => existsSync(path);
    if (is(join(layout.episodes, id))) {
      if (is(join(layout.episodes, id, 'receipt.json'))) return 'receipted';
      if (is(join(layout.episodes, id, 'quarantine_reason.json'))) return 'condemned';
      const { tarball, sidecar } = outboxFiles(layout, id);
      return is(tarball) && is(sidecar) ? 'packed' : 'published';
    }
    if (is(join(layout.shipped, id))) return 'shipped';
    return is(join(layout.quarantine, id)) ? 'quarantined' : 'deleted';
  }

  directoryOf(id: string): string {
    const state = this.states.get(id);
    if (state === 'shipped') return join(this.layout.shipped, id);
    return join(state === 'quarantined' ? this.layout.quarantine : this.layout.episodes, id);
  }
}

function json(status: number, body: object): ReceiverAnswer {
  return { status, contentType: 'application/json', body: JSON.stringify(body), retryAfterS: undefined };
}

async function take(world: World, given: Step): Promise<void> {
  const { states, layout, clock } = world;
  if (given.does === 'restart') {
    await world.restart();
    return;
  }
  const id = `e${given.episode}`;
  const state = states.get(id);
  if (given.does === 'publish') {
    if (state !== undefined) return;
    world.manifests.set(
      id,
      publishEpisode(layout.root, HOST, { episodeId: id, commit: 'a'.repeat(40), files: { data: id } }),
    );
    states.set(id, 'published');
    return;
  }
  if (state === undefined) return;
  if (given.does === 'ship') {
    if (state !== 'published' && state !== 'packed') return;
    world.answer = given.answer;
    await shipEpisode(world.dependencies ?? (await world.restart()), id, NEVER);
    const settled = after(after(state, 'packed'), ANSWERS[given.answer]);
    // A pass goes on to the end of what it has begun.
    states.set(id, settled === 'receipted' || settled === 'condemned' ? after(settled, 'moved') : settled);
    return;
  }
  const event = ({ requeue: 'requeued', reship: 'reshipped', expire: 'expired' } as const)[given.does];
  if (TRANSITIONS[state][event] === 'never') return;
  if (given.does === 'requeue') assert.equal(await requeueEpisodes({ layout, clock }, [id]), 1);
  else if (given.does === 'expire')
    await removeSettled(layout, state === 'shipped' ? layout.shipped : layout.quarantine, id);
  else {
    const output = { write: () => true };
    const tools = { layout, clock, by: 'test', afterStep: noStepObserver, output, logger: world.dependencies?.logger };
    await reship(tools as never, { ids: [id], dryRun: false } as never);
  }
  states.set(id, after(state, event));
}

test('the disk always shows the state that the table says, and no byte of an episode changes', async () => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const world = new World();
      await makeDataDirectories(world.layout);
      await world.restart();
      for (const given of steps) {
        await take(world, given);
        for (const [id, state] of world.states) {
          assert.equal(world.onDisk(id), state, `${id} after ${JSON.stringify(given)}`);
          if (state === 'deleted') continue;
          const manifest = world.manifests.get(id);
          assert.ok(manifest && sameManifest(manifestOf(world.directoryOf(id)), manifest), `${id} is whole`);
        }
      }
      const known = [...world.states].filter(([, state]) => state === 'packed').map(([id]) => id);
      const left = readdirSync(world.layout.outbox).filter((name) => name.endsWith('.tar.zst'));
      assert.deepEqual(left.sort(), known.map((id) => `${id}.tar.zst`).sort(), 'no tarball for nobody');
    }),
    { numRuns: 60, seed },
  );
});

test('every state can be left or is the end, and every event leads somewhere', () => {
  const cells = Object.entries(TRANSITIONS).flatMap(([state, row]) =>
    Object.entries(row).map(([event, next]) => ({ state, event, next })),
  );
  for (const state of Object.keys(TRANSITIONS)) {
    const hasWayOut = cells.some((cell) => cell.state === state && cell.next !== 'never' && cell.next !== state);
    assert.equal(hasWayOut, state !== 'deleted', state);
  }
  for (const event of new Set(cells.map((cell) => cell.event))) {
    assert.ok(
      cells.some((cell) => cell.event === event && cell.next !== 'never'),
      event,
    );
  }
});
