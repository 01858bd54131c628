// Deleting by age and by need, against both clocks and a disk whose room the test sets.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { makeDirectory } from '../../../test/support/temporary-directory.ts';
import type { Clock } from '../../lib/clock.ts';
import { createLogger } from '../../lib/logger.ts';
import { type DataLayout, dataLayout, makeDataDirectories } from '../data-layout.ts';
import { CleanUp } from './clean-up.ts';
import { readUptimeS, Uptime } from './uptime.ts';
import { Watermark } from './watermark.ts';

const DAY_S = 86_400;
const NEVER = new AbortController().signal;
const START = Date.parse('2026-05-01T00:00:00Z');

let layout: DataLayout;
let monotonicMs: number;
let wallMs: number;
let log: string[];
const clock: Clock = {
  wallTime: () => new Date(wallMs).toISOString(),
  monotonicMs: () => monotonicMs,
  sleep: () => Promise.resolve(),
};
const logger = createLogger({ level: 'info', form: 'plain', clock, write: (line) => log.push(line) });

beforeEach(async () => {
  layout = dataLayout(makeDirectory());
  await makeDataDirectories(layout);
  monotonicMs = 0;
  wallMs = START;
  log = [];
});

/** Both clocks go on by so many days. */
function pass(days: number): void {
  monotonicMs += days * DAY_S * 1000;
  wallMs += days * DAY_S * 1000;
}

function settle(place: 'shipped' | 'quarantine', name: string, note: Record<string, unknown> | undefined): void {
  const directory = join(layout[place], name);
  mkdirSync(directory);
  writeFileSync(join(directory, 'data'), name);
  const file = place === 'shipped' ? 'receipt.json' : 'quarantine_reason.json';
  if (note) writeFileSync(join(directory, file), JSON.stringify(note));
}

const shippedNow = (uptime: Uptime) => ({ shipped_at_wall: clock.wallTime(), shipper_uptime_s: uptime.nowS() });

describe('by age', () => {
  const create = (uptime: Uptime, quarantineKeepDays = 30) =>
    new CleanUp({
      layout,
      clock,
      uptime,
      logger,
      shippedKeepDays: () => 7,
      quarantineKeepDays: () => quarantineKeepDays,
    });

  test('shipped after a week, refused after a month, and never where that is 0', async () => {
    const uptime = await Uptime.load(layout.uptimeFile, clock);
    settle('shipped', 's', shippedNow(uptime));
    settle('quarantine', 'q', { quarantined_at_wall: clock.wallTime(), shipper_uptime_s: 0, code: 'conflict' });
    const cleanUp = create(uptime);
    const left = async () => {
      await cleanUp.run(NEVER);
      return [...readdirSync(layout.shipped), ...readdirSync(layout.quarantine)];
    };
    assert.deepEqual(await left(), ['s', 'q']);
    pass(6.9);
    assert.deepEqual(await left(), ['s', 'q']);
    pass(0.2);
    assert.deepEqual(await left(), ['q']);
    pass(22.8);
    assert.deepEqual(await left(), ['q']);
    await create(uptime, 0).run(NEVER);
    pass(400);
    await create(uptime, 0).run(NEVER);
    assert.deepEqual(readdirSync(layout.quarantine), ['q']);
    assert.deepEqual(await left(), []);
    assert.deepEqual(readdirSync(layout.outbox), []);
    assert.match(log.join(''), /deleted by age path=\S+\/shipped\/s /);
  });

  test('a wall clock that jumps a year ahead, or back, deletes nothing too early', async () => {
    const uptime = await Uptime.load(layout.uptimeFile, clock);
    settle('shipped', 'noted', shippedNow(uptime));
    settle('shipped', 'bare', undefined);
    utimesSync(join(layout.shipped, 'bare'), START / 1000, START / 1000);
    const cleanUp = create(uptime);
    await cleanUp.run(NEVER);
    wallMs += 365 * DAY_S * 1000;
    await cleanUp.run(NEVER);
    assert.deepEqual(readdirSync(layout.shipped), ['bare', 'noted']);
    wallMs -= 730 * DAY_S * 1000;
    pass(10);
    await cleanUp.run(NEVER);
    assert.deepEqual(readdirSync(layout.shipped), ['bare', 'noted']);
    wallMs = START + 11 * DAY_S * 1000;
    await cleanUp.run(NEVER);
    assert.deepEqual(
      readdirSync(layout.shipped),
      ['bare'],
      'what has no receipt may be on its way back into the queue',
    );
  });

  test('deletes only what both clocks call old, whatever they do', async () => {
    const seed = Number(process.env['SEED'] ?? 20_260_501);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 20 }),
        fc.integer({ min: -800, max: 800 }),
        async (ranDays, jumpDays) => {
          layout = dataLayout(makeDirectory());
          await makeDataDirectories(layout);
          monotonicMs = 0;
          wallMs = START;
          const uptime = await Uptime.load(layout.uptimeFile, clock);
          settle('shipped', 's', shippedNow(uptime));
          pass(ranDays);
          wallMs += jumpDays * DAY_S * 1000;
          await create(uptime).run(NEVER);
          assert.equal(existsSync(join(layout.shipped, 's')), !(ranDays >= 7 && ranDays + jumpDays >= 7));
        },
      ),
      { numRuns: 60, seed },
    );
  });
});

test('the uptime goes on over lives, and a damaged file only makes things younger', async () => {
  const first = await Uptime.load(layout.uptimeFile, clock);
  pass(1);
  await first.save();
  const second = await Uptime.load(layout.uptimeFile, clock);
  pass(1);
  assert.equal(second.nowS(), 2 * DAY_S);
  assert.equal(await readUptimeS(layout.uptimeFile), DAY_S);
  for (const damage of ['', '{"uptime_s":', '{"uptime_s":-1}', '[]']) {
    writeFileSync(layout.uptimeFile, damage);
    assert.equal((await Uptime.load(layout.uptimeFile, clock)).nowS(), 0);
  }
});

describe('the reserve of the disk', () => {
  const backpressure = () => existsSync(join(layout.root, 'BACKPRESSURE'));
  let free: number;
  /** Each shipped episode holds 10 bytes. */
  const create = () =>
    new Watermark({
      layout,
      minFreeBytes: () => 100,
      clock,
      logger,
      freeBytes: async () => free + 10 * (3 - readdirSync(layout.shipped).length),
    });
  beforeEach(() => {
    for (const [index, name] of ['c', 'a', 'b'].entries()) {
      settle('shipped', name, { shipped_at_wall: new Date(START + index * 1000).toISOString() });
    }
    settle('quarantine', 'refused', undefined);
    mkdirSync(join(layout.episodes, 'waiting'));
  });

  test('shipped episodes go, oldest first and no more than need be', async () => {
    free = 85;
    await create().keep();
    assert.deepEqual(readdirSync(layout.shipped), ['b']);
    assert.equal(backpressure(), false);
    assert.match(log.join(''), /disk is short: deleted shipped episodes, oldest first episodes=2/);
  });

  test('when that is not enough nothing new is recorded, until there is clearly room; what is not shipped stays', async () => {
    free = 10;
    const watermark = create();
    await watermark.keep();
    await watermark.keep();
    assert.deepEqual(readdirSync(layout.shipped), []);
    assert.deepEqual(readdirSync(layout.quarantine), ['refused']);
    assert.deepEqual(readdirSync(layout.episodes), ['waiting']);
    assert.equal(backpressure(), true);
    assert.equal(log.filter((line) => line.includes('ERROR disk is short')).length, 1, 'told once');
    free = 75;
    await watermark.keep();
    assert.equal(backpressure(), true, 'just above the mark');
    free = 81;
    await watermark.keep();
    assert.equal(backpressure(), false);
    assert.match(log.at(-1) ?? '', /there is room on the disk again/);
  });

  test('once nothing new is recorded, shipped episodes go until recordings may start again', async () => {
    free = 10;
    const watermark = create();
    await watermark.keep();
    settle('shipped', 'shipped-since', { shipped_at_wall: new Date(START + 9000).toISOString() });
    free = 85;
    await watermark.keep();
    assert.deepEqual([readdirSync(layout.shipped), backpressure()], [[], false]);
  });

  test('where the file cannot be made it is told once, and made as soon as it can be', async () => {
    free = 10;
    mkdirSync(join(layout.root, 'BACKPRESSURE'));
    const watermark = create();
    await watermark.keep();
    await watermark.keep();
    const errors = () => log.filter((line) => line.includes(' ERROR ')).map((line) => line.split(' ERROR ')[1] ?? '');
    assert.equal(errors().length, 2);
    assert.match(errors()[0] ?? '', /^disk is short and nothing more can be deleted/);
    assert.match(errors()[1] ?? '', /^the orchestrator could not be told; it is tried again path=\S+BACKPRESSURE/);
    rmdirSync(join(layout.root, 'BACKPRESSURE'));
    await watermark.keep();
    assert.equal(backpressure(), true);
    assert.equal(errors().length, 2);
  });

  test('what an earlier life left set is lifted when there is room', async () => {
    writeFileSync(join(layout.root, 'BACKPRESSURE'), '');
    free = 105;
    await create().keep();
    assert.equal(backpressure(), false);
    assert.equal(readdirSync(layout.shipped).length, 3);
  });
});

test('a shipped episode without its receipt may be on its way back: a short disk does not delete it', async () => {
  settle('shipped', 'bare', undefined);
  settle('shipped', 'noted', { shipped_at_wall: clock.wallTime() });
  const watermark = new Watermark({ layout, minFreeBytes: () => 100, clock, logger, freeBytes: async () => 0 });
  await watermark.keep();
  assert.deepEqual(readdirSync(layout.shipped), ['bare']);
});
