import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aHost, anAlert, HEAD, NOW_MS, plainView, wallAgo } from '../operator.fixture.ts';
import { describeHost } from './describe-host.ts';

test('all of it', () => {
  const host = aHost('lab-7', {
    state: 'refused',
    expected: true,
    last_seen_at: wallAgo(30),
    last_stored_at: wallAgo(7200),
    episodes: 1204,
    bytes: 2 ** 40,
    episodes_24h: 1,
    bytes_24h: 512,
    window_min: 30,
    outcomes: { stored: 2, 'commit-not-in-window': 1200 },
    commit: HEAD,
    head_distance: 1,
    alerts: [
      anAlert('backlog', {
        id: 'b',
        severity: 'warning',
        acknowledged: { at: wallAgo(120), by: 'token t-1', reason: 'known' },
      }),
      anAlert('refused', { id: 'a', suggested_fix: 'ssh lab-7 update\nssh lab-7 look' }),
    ],
    heartbeat: {
      received_at_wall: wallAgo(100),
      sent_at_wall: wallAgo(-80),
      machine: 'm',
      boot_id: 'b',
      version: { commit: HEAD, dirty: true },
      backlog: { episodes: 12, bytes: 2048, oldest_s: 300 },
      held: { count: 12, code: 'commit-not-in-window' },
      quarantine: { episodes: 90, recent: { episodes: 40, without_asking: 38, code: 'commit-not-in-window' } },
      recording: { last_episode: { episode_id: 'e-1', finished_at_wall: wallAgo(20) }, workloads: ['telemetry'] },
      free_bytes: 2 ** 30,
      update: { source: 'git', result: 'rolled-back', target: HEAD, at_wall: wallAgo(900), detail: 'never was up' },
    },
    doctor: {
      status: 'red',
      received_at_wall: wallAgo(3600),
      red: [{ id: 'gate', meaning: 'the gate refuses it', cure: 'one\ntwo' }],
      checks: [
        { id: 'gate', status: 'red', summary: 'refused: \x1b[31mevil' },
        { id: 'clock', status: 'yellow', summary: '40 s off' },
        { id: 'disk', status: 'green', summary: 'much room' },
      ],
    },
  });
  assert.deepEqual(describeHost(host, NOW_MS, plainView()), [
    'lab-7 is refused: 2 alerts open',
    '  a  refused  critical, for 10 min',
    '      it is so',
    '      ssh lab-7 update',
    '      ssh lab-7 look',
    '  b  backlog  warning, for 10 min, acknowledged',
    '      it is so',
    '      acknowledged by token t-1, 2 min ago (2026-05-01 11:58:00 UTC): known',
    '      mend it',
    '',
    'Doctor',
    '  red, 60 min ago (2026-05-01 11:00:00 UTC)',
    '  gate: the gate refuses it',
    '    it says: refused: ?[31mevil',
    '    one',
    '    two',
    '  clock: yellow',
    '    it says: 40 s off',
    '',
    'Stored',
    '  last stored   2 h ago (2026-05-01 10:00:00 UTC)',
    '  last seen     30 s ago (2026-05-01 11:59:30 UTC)',
    '  in 24 h       1 episode, 512 B',
    '  in all        1,204 episodes, 1.0 TiB',
    `  commit        ${HEAD}, 1 commit behind the head`,
    '  last 30 min   commit-not-in-window 1,200, stored 2',
    '  expected      yes',
    '',
    'Heartbeat',
    '  received      100 s ago (2026-05-01 11:58:20 UTC)',
    '  clock         3 min ahead of the receiver’s',
    '  machine       m, boot b',
    `  code          ${HEAD}, modified`,
    '  backlog       12 episodes, 2.0 KiB, the oldest for 5 min',
    '  held          12 episodes: commit-not-in-window',
    '  quarantine    90 episodes, 40 of the last hour for commit-not-in-window, 38 without asking again',
    '  recorded      e-1, 20 s ago (2026-05-01 11:59:40 UTC)',
    '  workloads     telemetry',
    '  free          1.0 GiB',
    `  update        rolled-back, to 4f2a9c1, by git, 15 min ago (2026-05-01 11:45:00 UTC): never was up`,
  ]);
});

test('a host of which next to nothing is known', () => {
  const text = describeHost(
    aHost('lab-9', { state: 'never-seen', last_stored_at: null, alerts: null, heartbeat: 7 }),
    NOW_MS,
    plainView(),
  ).join('\n');
  assert.match(text, /^lab-9 is never-seen: no alert is open\n/);
  assert.match(text, /Doctor\n {2}no report has come\n/);
  assert.match(text, /Heartbeat\n {2}none has come$/);
});
