import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Heartbeat } from '../../protocol/heartbeat.ts';
import { shownOf } from './shown-heartbeat.ts';

const FULL: Heartbeat = {
  host_id: 'lab-1',
  sent_at_wall: '2026-05-01T06:37:53.830599+00:00',
  machine: 'm',
  boot_id: 'b',
  version: { commit: 'a'.repeat(40), dirty: false },
  backlog: { episodes: 3, bytes: 4, oldest_s: null },
  held: { count: 1, code: 'credential-invalid' },
  quarantine: { episodes: 5, recent: { episodes: 2, without_asking: 1, code: null } },
  recording: { last_episode: { episode_id: 'e-1', finished_at_wall: 'then' }, workloads: ['idle', 'build'] },
  free_bytes: null,
  update: { source: 'git', result: 'updated', commit: 'c', target: 't', at_wall: 'then', detail: null, failures: 0 },
};

test('all that this version sends is shown', () => {
  assert.deepEqual(shownOf({ ...FULL }), FULL);
});

test('what is not known, or not of the known form, is left out; the rest stays', () => {
  const odd = { held: 'yes', backlog: { oldest_s: 'old', episodes: 3, more: {} }, recording: [], quarantine: 3 };
  assert.deepEqual(shownOf({ ...odd, note: 'x', update: { source: 'git', log: ['x'] } }), {
    backlog: { episodes: 3 },
    update: { source: 'git' },
  });
});

test('as much as a body holds, it comes to little', () => {
  const long = 'x'.repeat(5_000);
  const shown = shownOf({ machine: long, recording: { workloads: Array(5_000).fill(long) }, update: { detail: long } });
  assert.ok(JSON.stringify(shown).length < 8_000);
  assert.equal((shown['recording'] as { workloads: string[] }).workloads.length, 32);
  assert.equal((shown['machine'] as string).length, 200);
});
