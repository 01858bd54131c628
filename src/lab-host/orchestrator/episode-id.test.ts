import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import { isEpisodeId } from '../../protocol/ids.ts';
import { makeEpisodeId } from './episode-id.ts';

const clock = { ...systemClock, wallTime: () => '2026-05-01T06:37:53.830599+00:00' };

test('an episode id is the workload, the second and six hex digits', () => {
  assert.match(makeEpisodeId('telemetry', clock), /^telemetry-20260501T063753Z-[0-9a-f]{6}$/);
});

test('an episode id of the longest workload name is still an id', () => {
  const id = makeEpisodeId('w'.repeat(128), clock);
  assert.equal(id.length, 128);
  assert.ok(isEpisodeId(id));
});

test('episode ids of one second differ', () => {
  const ids = new Set(Array.from({ length: 20 }, () => makeEpisodeId('a', clock)));
  assert.ok(ids.size > 1);
});
