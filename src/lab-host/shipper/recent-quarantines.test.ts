import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import type { Clock } from '../../lib/clock.ts';
import { QuarantineCounter } from './recent-quarantines.ts';

const MINUTE_MS = 60_000;

function bench(t: TestContext) {
  const directory = temporaryDirectory(t);
  const time = { ms: 10 * MINUTE_MS };
  const clock: Clock = { wallTime: () => '', monotonicMs: () => time.ms, sleep: async () => undefined };
  const counter = new QuarantineCounter(clock);
  /** `reason`: what the note in the episode says; none where it is undefined. */
  const quarantine = (episodeId: string, reason?: object | string) => {
    mkdirSync(join(directory, episodeId));
    const whole = { episode_id: episodeId, quarantined_at_wall: '2026-05-01T06:37:53.830599+00:00' };
    const text = typeof reason === 'object' ? JSON.stringify({ ...whole, ...reason }) : reason;
    if (text !== undefined) writeFileSync(join(directory, episodeId, 'quarantine_reason.json'), text);
    counter.quarantined(episodeId);
  };
  return { time, quarantine, counter, recent: () => counter.recent(directory) };
}

test('none', async (t) => {
  assert.equal(await bench(t).recent(), null);
});

test('tells those that the receiver refused from those that it was not sent', async (t) => {
  const { quarantine, recent } = bench(t);
  quarantine('a', { status: 412, code: 'commit-not-in-window' });
  assert.deepEqual(await recent(), { episodes: 1, without_asking: 0, code: 'commit-not-in-window' });
  quarantine('b', { status: 0, code: 'commit-blocked' });
  quarantine('c', { status: 0, code: 'commit-blocked' });
  quarantine('d', { status: 409, code: 'conflict' });
  assert.deepEqual(await recent(), { episodes: 4, without_asking: 2, code: 'commit-blocked' });
  assert.deepEqual(await recent(), { episodes: 4, without_asking: 2, code: 'commit-blocked' }, 'each counts once');
});

test('an episode that cannot be read is its own fault, and no refusal that was not asked for', async (t) => {
  const { quarantine, recent } = bench(t);
  quarantine('a', { status: 0, code: 'episode-unreadable' });
  assert.deepEqual(await recent(), { episodes: 1, without_asking: 0, code: 'episode-unreadable' });
});

test('one without a reason that can be read counts', async (t) => {
  const { quarantine, counter, recent } = bench(t);
  quarantine('a');
  quarantine('b', '{"status":0,');
  quarantine('c', { status: '0', code: 7 });
  counter.quarantined('put back meanwhile');
  assert.deepEqual(await recent(), { episodes: 4, without_asking: 0, code: null });
});

test('an hour later it is forgotten', async (t) => {
  const { time, quarantine, recent } = bench(t);
  quarantine('a', { status: 0, code: 'commit-blocked' });
  time.ms += 59 * MINUTE_MS;
  quarantine('b', { status: 409, code: 'conflict' });
  assert.deepEqual(await recent(), { episodes: 2, without_asking: 1, code: 'commit-blocked' });
  time.ms += MINUTE_MS;
  assert.deepEqual(await recent(), { episodes: 1, without_asking: 0, code: null });
  quarantine('c', { status: 412, code: 'commit-blocked' });
  assert.deepEqual(await recent(), { episodes: 2, without_asking: 0, code: 'commit-blocked' });
  time.ms += 60 * MINUTE_MS;
  assert.equal(await recent(), null);
});
