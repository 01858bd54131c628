import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aFleet, aHost, anAlert, NOW_MS, plainView, wallAgo } from '../operator.fixture.ts';
import type { Fleet } from '../receiver-answers.ts';
import { screenLines } from '../terminal/display-width.ts';
import { describeFleet } from './describe-fleet.ts';

const URL = 'https://receiver.example:8490';
const RETIRED = { at: wallAgo(60), by: 'me', reason: 'r' };

function lines(fleet: Fleet, columns?: number, rows?: number): string[] {
  return describeFleet(fleet, URL, NOW_MS, plainView(columns, rows));
}

function silent(name: string): Record<string, unknown> {
  return {
    host_id: name,
    state: 'silent',
    alerts: [anAlert('silent', { detail: 'for 3 h', suggested_fix: `ssh ${name} 'look at ${name}'` })],
  };
}

const verdicts: [name: string, fleet: Fleet, first: RegExp][] = [
  ['nobody', aFleet([]), /^No lab host is known yet\.$/],
  ['retired ones alone', aFleet([aHost('a', { retired: RETIRED })]), /^No lab host is known yet \(and 1 retired\)\.$/],
  ['one', aFleet([aHost('a')]), /^The one host is well\.$/],
  [
    'all well',
    aFleet([aHost('a'), aHost('b'), aHost('c', { retired: RETIRED })]),
    /^All 2 hosts are well \(and 1 retired\)\.$/,
  ],
  [
    'some are not',
    aFleet([silent('a'), silent('b'), aHost('c', { state: 'refused' }), aHost('d')]),
    /^3 of 4 hosts are not well: 2 silent, 1 refused$/,
  ],
  [
    'the fleet as a whole first',
    aFleet([aHost('a')], [anAlert('fleet-silent', { detail: 'all at once' })]),
    /^fleet-silent for 10 min: all at once$/,
  ],
];

const monitors: [name: string, ranAt: string | null | undefined, first: RegExp][] = [
  ['it ran just now', wallAgo(5 * 60), /^The one host is well\.$/],
  ['it ran a quarter of an hour ago', wallAgo(15 * 60), /^The one host is well\.$/],
  [
    'it ran longer ago',
    wallAgo(16 * 60),
    /^The monitor last ran 16 min ago, and alerts are as of then: on the receiver: /,
  ],
  ['it has never run', null, /^The monitor has never run, so nothing is told: .*cis490-fleet-health\.timer$/],
  ['the receiver does not say', undefined, /^The one host is well\.$/],
];

describe('the monitor before all else', () => {
  for (const [name, ranAt, first] of monitors) {
    test(name, () => {
      const told = lines({ ...aFleet([aHost('a')]), monitor_ran_at: ranAt });
      assert.match(told[0] ?? '', first);
      assert.ok(told.includes('The one host is well.'));
    });
  }
});

describe('verdict', () => {
  for (const [name, fleet, first] of verdicts) test(name, () => assert.match(lines(fleet)[0] ?? '', first));
});

test('one command for one cure, that of the first host, never cut', () => {
  const names = Array.from({ length: 12 }, (_, index) => `lab-${index + 1}`);
  const other = { host_id: 'lab-x', state: 'silent', alerts: [anAlert('silent', { suggested_fix: 'another cure' })] };
  const known = {
    host_id: 'lab-y',
    state: 'sick',
    alerts: [anAlert('backlog', { acknowledged: RETIRED, suggested_fix: 'not told' })],
  };
  const warned = {
    host_id: 'lab-a',
    state: 'sick',
    alerts: [
      anAlert('silent'),
      anAlert('clock-skew', { severity: 'warning', suggested_fix: `set it ${'x'.repeat(90)}` }),
    ],
  };
  const foot = lines(aFleet([...names.map(silent), other, known, warned]), 80).slice(-11);
  assert.deepEqual(foot, [
    'What cures it',
    'silent: lab-a — it is so',
    '    mend it',
    'silent: lab-1, lab-2, lab-3, lab-4, lab-5, lab-6, lab-7, lab-8 and 4 more',
    "    ssh lab-1 'look at lab-1'",
    'silent: lab-x — it is so',
    '    another cure',
    'clock-skew: lab-a — it is so',
    `    set it ${'x'.repeat(90)}`,
    '',
    'All that is known of one:  cis490 fleet show lab-a',
  ]);
});

test('more cures than a screen is good for are counted', () => {
  const hosts = Array.from({ length: 20 }, (_, index) => ({
    ...silent(`h${index}`),
    alerts: [anAlert('silent', { suggested_fix: `cure ${index}` })],
  }));
  assert.ok(lines(aFleet(hosts)).includes('… and 8 more alerts: cis490 alerts'));
});

test('what no alert tells is told', () => {
  const fleet = aFleet([
    aHost('a', { state: 'refused' }),
    aHost('b', { state: 'silent' }),
    aHost('c', { state: 'silent' }),
  ]);
  assert.deepEqual(lines(fleet).slice(-8), [
    'What cures it',
    'refused, without an alert: a',
    '    cis490 fleet show a',
    'silent, without an alert: b, c',
    '    cis490 fleet show b',
    '    gone for good? cis490 host retire b --reason …',
    '',
    'All that is known of one:  cis490 fleet show a',
  ]);
});

for (const [columns, rows] of [
  [80, 24],
  [132, 30],
  [60, 24],
] as const) {
  test(`1,000 hosts on a screen of ${columns} × ${rows}`, () => {
    const well = Array.from({ length: 998 }, (_, index) => aHost(`well-${index}`));
    const fleet = aFleet([...well, silent('lab-1'), silent('lab-2')]);
    const drawn = lines(fleet, columns, rows);
    const height = drawn.reduce((sum, line) => sum + screenLines(line, columns), 0);
    assert.ok(height <= rows && height >= rows - 1, `${height} lines`);
    const [, left = ''] = /… and (\d+) more hosts/.exec(drawn.join('\n')) ?? [];
    const shown = drawn.filter((line) => /^(?:well|lab)-\d+ /.test(line)).length;
    assert.equal(shown + Number(left), 1000);
    assert.match(drawn.at(-1) ?? '', /cis490 fleet show lab-1$/);
  });
}

test('the table', () => {
  const beat = (more: object) => ({ heartbeat: { received_at_wall: wallAgo(60), ...more } });
  const fleet = aFleet([
    aHost('a', {
      episodes_24h: 1440,
      bytes_24h: 5 * 2 ** 30,
      commit: 'c'.repeat(40),
      head_distance: 3,
      ...beat({ backlog: { episodes: 1204, bytes: 1, oldest_s: 7300 } }),
    }),
    aHost('b', {
      commit: 'd'.repeat(40),
      head_distance: 0,
      ...beat({ received_at_wall: wallAgo(1000), backlog: { episodes: 2, bytes: 1, oldest_s: null } }),
    }),
    aHost('c', {
      doctor: {
        status: 'red',
        received_at_wall: wallAgo(1),
        red: [{ id: 'disk', meaning: 'm', cure: 'c' }, { id: 'clock' }],
      },
      ...beat({ held: { count: 7, code: 'forbidden' } }),
    }),
    aHost('d', {
      last_stored_at: null,
      heartbeat: 'none',
      doctor: { status: 'green' },
      alerts: [anAlert('silent'), anAlert('backlog', { silenced: 's' })],
    }),
  ]);
  assert.deepEqual(lines(fleet).slice(3, 8), [
    'HOST  STATE  LAST STORED  EPISODES/24H  BYTES/24H  BACKLOG            COMMIT             DOCTOR            ALERTS',
    'd     ok     never                   0        0 B  –                  –                  green             silent (backlog)',
    'a     ok     60 s ago            1,440    5.0 GiB  1,204, 2 h         ccccccc, 3 behind  –                 –',
    'b     ok     60 s ago                0        0 B  2?                 ddddddd, head      –                 –',
    'c     ok     60 s ago                0        0 B  7 held: forbidden  –                  red: disk, clock  –',
  ]);
});
