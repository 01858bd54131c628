// Each symptom at its limits: what is found, in which words, and with which cure.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SYMPTOM_NAMES } from '../../protocol/alert.ts';
import { heartbeat, NOW_MS, observed, wallAgo } from '../observed.fixture.ts';
import type { AttemptTally, Finding, Observed, SeenReport } from '../observed.ts';
import { detect } from './detect.ts';
import { DETECTORS } from './detectors.ts';

const H = 'lab-1';
const MIN_US = 60_000_000;
const NOW_US = NOW_MS * 1000;

const stored = (agoUs: number, commit?: string, host = H): Partial<Observed> => ({
  ledger: new Map([[host, { lastStoredAtUs: NOW_US - agoUs, commit }]]),
});
const says = (body: object, agoS = 60): Partial<Observed> => ({
  heartbeats: new Map([[H, [heartbeat(H, agoS, body)]]]),
});
const tried = (tally: Partial<AttemptTally>, codes: Record<string, number> = {}): Partial<Observed> => ({
  attempts: new Map([
    [H, { success: 0, clientError: 0, serverError: 0, unstamped: 0, codes: new Map(Object.entries(codes)), ...tally }],
  ]),
});
const reported = (report: Partial<SeenReport>): Partial<Observed> => ({
  reports: new Map([[H, { status: 'green', receivedAtMs: NOW_MS - 3_600_000, redChecks: [], ...report }]]),
});
const machines = (...periods: Array<[machine: string, firstAgoS: number, lastAgoS: number]>): Partial<Observed> => ({
  heartbeats: new Map([
    [
      H,
      periods.map(([machine, first, last], boot) =>
        heartbeat(H, last, {}, { machine, bootId: `b-${boot}`, firstReceivedAtWall: wallAgo(first) }),
      ),
    ],
  ]),
});
const storedAgoMin = (...minutes: number[]): Partial<Observed> => ({
  ledger: new Map(
    minutes.map((ago, index) => [`lab-${index}`, { lastStoredAtUs: NOW_US - ago * MIN_US, commit: undefined }]),
  ),
});
const COMMITS = Array.from({ length: 100 }, (_, index) => index.toString(16).padStart(40, '0'));
const gate = { commits: COMMITS, windowLength: 100 };

interface Case {
  name: string;
  seen: Partial<Observed>;
  /** Of the one finding; none without it. */
  detail?: RegExp;
  fix?: RegExp;
}

const CASES: Record<string, Case[]> = {
  silent: [
    { name: 'exactly the threshold', seen: stored(30 * MIN_US) },
    { name: 'a microsecond longer', seen: stored(30 * MIN_US + 1), detail: /^nothing stored for 30 min 1 s/ },
    { name: 'exactly the lookback', seen: stored(24 * 60 * MIN_US), detail: /24 h 0 min/ },
    { name: 'a microsecond beyond it', seen: stored(24 * 60 * MIN_US + 1) },
    {
      name: 'rows ahead of the clock alone',
      seen: { ledger: new Map([[H, { lastStoredAtUs: undefined, commit: undefined }]]) },
    },
    {
      name: 'without heartbeats at hand',
      seen: { ...stored(60 * MIN_US), heartbeats: undefined },
      detail: /since 2026-05-01T11:00:00 UTC; why is not known/,
    },
    {
      name: 'no heartbeat known',
      seen: stored(60 * MIN_US),
      detail: /dead: no heartbeat/,
      fix: /^ssh lab-1 'sudo systemctl restart cis490-shipper; sudo systemctl try-restart/,
    },
    {
      name: 'dead',
      seen: { ...stored(60 * MIN_US), ...says({}, 901) },
      detail: /dead: its last heartbeat came 15 min 1 s ago/,
      fix: /^ssh lab-1 'sudo systemctl restart cis490-shipper; /,
    },
    {
      name: 'cut off and held',
      seen: {
        ...stored(60 * MIN_US),
        ...says({ held: { count: 1, code: 'forbidden' }, backlog: { episodes: 7 } }, 900),
      },
      detail: /cut off: .*held \(forbidden\) with 7 waiting/,
      fix: /token create --role host --host lab-1 .*ssh lab-1 cis490 shipper --ping/,
    },
    {
      name: 'cut off with a backlog',
      seen: { ...stored(60 * MIN_US), ...says({ backlog: { episodes: 3, oldest_s: 10 }, held: null }) },
      detail: /cut off: .*3 wait/,
      fix: /^ssh lab-1 cis490 shipper --ping$/,
    },
    {
      name: 'nothing recorded',
      seen: { ...stored(60 * MIN_US), ...says({ backlog: { episodes: 0, oldest_s: null }, held: null }) },
      detail: /nothing recorded/,
      fix: /cis490-orchestrator/,
    },
  ],
  'fatal-only': [
    { name: 'one too few', seen: tried({ clientError: 9 }) },
    {
      name: 'exactly enough',
      seen: tried({ clientError: 6, serverError: 4 }, { 'gate-stale': 4, 'commit-not-in-window': 6 }),
      detail: /^10 attempts in 30 min, none stored: 6 refused, 4 failed, mostly commit-not-in-window$/,
      fix: /^ssh lab-1 'git pull && install.sh'$/,
    },
    { name: 'one succeeded', seen: tried({ clientError: 100, success: 1 }) },
    {
      name: 'a commit is missing',
      seen: tried({ clientError: 10 }, { 'commit-missing': 10 }),
      detail: /commit-missing/,
      fix: /install-lab-host/,
    },
    {
      name: 'the fleet’s own token',
      seen: tried({ clientError: 10 }, { 'http-401': 10 }),
      detail: /http-401/,
      fix: /token create/,
    },
    {
      name: 'the receiver’s fault',
      seen: tried({ serverError: 10 }, { 'disk-reserve': 10 }),
      detail: /10 failed/,
      fix: /on the receiver/,
    },
    {
      name: 'of two codes with one count',
      seen: tried({ clientError: 10 }, { forbidden: 5, conflict: 5 }),
      detail: /mostly conflict/,
    },
    {
      name: 'a host of releases',
      seen: { ...tried({ clientError: 10 }, { 'http-412': 10 }), ...says({ update: { source: 'receiver' } }) },
      detail: /http-412/,
      fix: /^ssh lab-1 autoupdate$/,
    },
  ],
  unstamped: [
    { name: 'one too few', seen: tried({ clientError: 1, unstamped: 9 }) },
    {
      name: 'enough',
      seen: tried({ success: 5, unstamped: 10 }),
      detail: /^10 attempts/,
      fix: /^ssh lab-1 sudo .*install-lab-host\.sh$/,
    },
  ],
  refused: [
    { name: 'nothing held', seen: says({ held: null, quarantine: { episodes: 3, recent: null } }) },
    { name: 'none held', seen: says({ held: { count: 0, code: null } }) },
    {
      name: 'held',
      seen: says({ held: { count: 4, code: 'name-not-found' } }),
      detail: /name-not-found; 4 waiting/,
      fix: /--ping/,
    },
    {
      name: 'held with words of its own',
      seen: says({ held: { count: 4, code: '\u001b[2J $(reboot)' } }),
      detail: /no code; 4/,
    },
    { name: 'held while a release is on trial', seen: says({ held: { count: 4, code: 'update-on-trial' } }) },
    { name: 'held, long ago', seen: says({ held: { count: 4, code: 'forbidden' } }, 901) },
    {
      name: 'quarantines without asking',
      seen: says({
        quarantine: { episodes: 40, recent: { episodes: 30, without_asking: 29, code: 'commit-not-in-window' } },
      }),
      detail: /29 in the last hour without asking: commit-not-in-window/,
      fix: /git pull/,
    },
    {
      name: 'quarantines what it asked for',
      seen: says({ quarantine: { episodes: 1, recent: { episodes: 1, without_asking: 0, code: 'conflict' } } }),
    },
    { name: 'any JSON', seen: says({ held: 'yes', quarantine: [1], backlog: -1, update: null, sent_at_wall: 7 }) },
  ],
  'never-seen': [
    { name: 'within its grace', seen: { expectedSinceMs: new Map([[H, NOW_MS - 7_199_999]]) } },
    {
      name: 'beyond it',
      seen: { expectedSinceMs: new Map([[H, NOW_MS - 7_200_000]]) },
      detail: /for 2 h 0 min, .*nor sent/,
      fix: /--ping/,
    },
    {
      name: 'heard of',
      seen: { expectedSinceMs: new Map([[H, 0]]), ...says({}, 30) },
      detail: /heartbeat came 30 s ago/,
    },
    { name: 'has stored', seen: { expectedSinceMs: new Map([[H, 0]]), ...stored(90 * 24 * 60 * MIN_US) } },
  ],
  'stale-code': [
    { name: 'just not', seen: { ...stored(0, COMMITS[79]), gate } },
    {
      name: 'at the ratio',
      seen: { ...stored(0, COMMITS[80]), gate },
      detail: /is 80 behind the head, and 100 are refused/,
      fix: /git pull/,
    },
    {
      name: 'outside of the window',
      seen: { ...stored(0, COMMITS[90]), gate: { commits: COMMITS, windowLength: 90 } },
    },
    { name: 'not storing any more', seen: { ...stored(25 * 60 * MIN_US, COMMITS[90]), gate } },
    { name: 'without a commit', seen: { ...stored(0), gate } },
  ],
  backlog: [
    { name: 'just not', seen: says({ backlog: { episodes: 9, oldest_s: 7_199 } }) },
    {
      name: 'waits',
      seen: says({ backlog: { episodes: 9, oldest_s: 7_200 } }),
      detail: /^9 episodes wait, the oldest for 2 h 0 min$/,
      fix: /shipper status$/,
    },
    { name: 'said long ago', seen: says({ backlog: { episodes: 9, oldest_s: 7_200 } }, 901) },
    { name: 'a quarantine that grows a little', seen: { ...says({}), quarantineGrowth: new Map([[H, 9]]) } },
    {
      name: 'a quarantine that grows',
      seen: { ...says({ quarantine: { episodes: 12 } }), quarantineGrowth: new Map([[H, 10]]) },
      detail: /grew by 10 within 24 h, to 12/,
      fix: /quarantine list$/,
    },
  ],
  unhealthy: [
    { name: 'yellow', seen: reported({ status: 'yellow' }) },
    {
      name: 'red',
      seen: reported({ status: 'red', redChecks: ['clock', 'disk'] }),
      detail: /red: clock \(.*\), disk \(/,
      fix: /^ssh lab-1 'sudo timedatectl set-ntp true; /,
    },
    {
      name: 'red by checks of a later version',
      seen: reported({ status: 'red' }),
      detail: /^its doctor says red$/,
      fix: /cis490 doctor$/,
    },
    { name: 'exactly as old as it may be', seen: reported({ receivedAtMs: NOW_MS - 129_600_000 }) },
    {
      name: 'too old',
      seen: reported({ receivedAtMs: NOW_MS - 129_600_001 }),
      detail: /36 h 0 min ago/,
      fix: /start cis490-doctor-check/,
    },
  ],
  'clock-skew': [
    { name: 'within', seen: says({ sent_at_wall: wallAgo(60 + 120) }) },
    { name: 'behind', seen: says({ sent_at_wall: wallAgo(60 + 121) }), detail: /2 min 1 s behind/, fix: /set-ntp/ },
    { name: 'ahead, without an offset', seen: says({ sent_at_wall: '2027-05-01T12:00:00' }), detail: /ahead/ },
    { name: 'no time', seen: says({ sent_at_wall: 'soon' }) },
  ],
  'duplicate-identity': [
    { name: 'one machine, rebooted', seen: machines(['a', 500, 400], ['a', 300, 10]) },
    { name: 'one machine after the other', seen: machines(['a', 900, 400], ['b', 400, 10]) },
    {
      name: 'both at once',
      seen: machines(['a', 900, 200], ['b', 400, 10]),
      detail: /^2 machines .*: a, b$/,
      fix: /host_id/,
    },
    {
      name: 'between two boots of the other',
      seen: machines(['a', 700, 600], ['b', 500, 400], ['a', 300, 10]),
      detail: /^2 machines/,
    },
    { name: 'one of them long gone', seen: machines(['a', 9_000, 901], ['b', 4_000, 10]) },
  ],
  'update-failed': [
    {
      name: 'current',
      seen: says({
        update: { source: 'git', result: 'current', commit: COMMITS[1], target: COMMITS[1], at_wall: wallAgo(99_999) },
      }),
    },
    {
      name: 'rolled back',
      seen: says({
        update: { source: 'receiver', result: 'rolled-back', target: 'a'.repeat(40), at_wall: wallAgo(60) },
      }),
      detail: /to aaaaaaaaaaaa was rolled back 1 min 0 s ago/,
      fix: /cis490-autoupdate/,
    },
    ...[undefined, 1, 2].map((failures) => ({
      name: `failed, ${failures} in a row`,
      seen: says({ update: { result: 'failed', failures } }),
    })),
    {
      name: 'failed three times in a row',
      seen: says({ update: { result: 'failed', failures: 3 } }),
      detail: /failed, for the 3rd time in a row$/,
    },
    {
      name: 'failed once, and lags',
      seen: says({
        version: { commit: COMMITS[1] },
        update: { result: 'failed', failures: 1, commit: COMMITS[1], target: COMMITS[0], at_wall: wallAgo(21_601) },
      }),
      detail: /should run 000000000000 for 6 h/,
    },
    {
      name: 'lags a little',
      seen: says({
        version: { commit: COMMITS[1] },
        update: { result: 'current', commit: COMMITS[2], target: COMMITS[0], at_wall: wallAgo(21_600) },
      }),
    },
    {
      name: 'lags',
      seen: says({
        version: { commit: COMMITS[1] },
        update: { result: 'current', commit: COMMITS[2], target: COMMITS[0], at_wall: wallAgo(21_601) },
      }),
      detail: /should run 000000000000 for 6 h/,
    },
  ],
  'receiver-down': [
    { name: 'well', seen: { receiver: { kind: 'well' } } },
    {
      name: 'down',
      seen: { receiver: { kind: 'down', detail: 'gone' } },
      detail: /^gone$/,
      fix: /restart cis490-receiver/,
    },
    { name: 'full', seen: { receiver: { kind: 'cannot-store', detail: 'full' } }, detail: /^full$/, fix: /df -h/ },
  ],
};

for (const [symptom, cases] of Object.entries(CASES)) {
  for (const { name, seen, detail, fix } of cases) {
    test(`${symptom}: ${name}`, () => {
      const found = detect(observed(seen)).findings.filter((finding) => finding.symptom === symptom);
      assert.equal(found.length, detail ? 1 : 0, JSON.stringify(found));
      if (detail) assert.match(found[0]?.detail ?? '', detail);
      if (fix) assert.match(found[0]?.suggestedFix ?? '', fix);
    });
  }
}

const fleetSilent = (seen: Partial<Observed>): Finding | undefined =>
  detect(observed(seen)).findings.find(({ symptom }) => symptom === 'fleet-silent');

test('fleet-silent: three or more, most of those that store, at about the same time', () => {
  assert.match(fleetSilent(storedAgoMin(60, 61, 62, 5))?.detail ?? '', /^3 of 4 hosts/);
  assert.equal(fleetSilent(storedAgoMin(60, 61)), undefined, 'two');
  assert.equal(fleetSilent(storedAgoMin(60, 61, 62, 5, 5, 5)), undefined, 'half');
  assert.equal(fleetSilent(storedAgoMin(40, 71, 102, 133)), undefined, 'one after the other');
  assert.ok(fleetSilent(storedAgoMin(40, 55, 70)), 'exactly the threshold between the first and the last');
  assert.equal(fleetSilent({ ...storedAgoMin(60, 61, 62), retired: new Set(['lab-0']) }), undefined, 'one is retired');
});

test('all symptoms have a detector, and each is told where all that it rests on was read', () => {
  assert.deepEqual(DETECTORS.map(({ symptom }) => symptom).sort(), [...SYMPTOM_NAMES].sort());
  for (const { symptom, rests } of DETECTORS) {
    for (const source of rests)
      assert.equal(detect(observed({ [source]: undefined })).canTell(H, symptom), false, symptom);
  }
  const seen = { ...says({}), ...stored(1, COMMITS[0]), ...tried({ success: 1 }), ...reported({}) };
  const all = detect(observed({ gate, receiver: { kind: 'well' }, ...seen }));
  assert.deepEqual(
    SYMPTOM_NAMES.filter((symptom) => !all.canTell(H, symptom)),
    ['fleet-silent'],
    'one host that stores is no fleet',
  );
});

test('nothing is told of a host that is not heard: what fired goes on', () => {
  const silentForDays = detect(observed({ gate, ...stored(25 * 60 * MIN_US, COMMITS[90]), ...says({}, 3_600) }));
  const untold = SYMPTOM_NAMES.filter((symptom) => !silentForDays.canTell(H, symptom));
  assert.deepEqual(untold.sort(), [
    'backlog',
    'clock-skew',
    'duplicate-identity',
    'fatal-only',
    'fleet-silent',
    'receiver-down',
    'refused',
    'silent',
    'stale-code',
    'unhealthy',
    'unstamped',
    'update-failed',
  ]);
});

test('what gets worse is not gone: code that leaves the window, fewer attempts, a report that says nothing', () => {
  const gone = (seen: Partial<Observed>) =>
    SYMPTOM_NAMES.filter((symptom) => detect(observed({ gate, ...seen })).canTell(H, symptom));
  assert.ok(!gone(stored(1, 'f'.repeat(40))).includes('stale-code'));
  assert.ok(gone(stored(1, COMMITS[0])).includes('stale-code'));
  assert.ok(!gone(tried({ serverError: 3 })).includes('fatal-only'));
  assert.ok(gone(tried({ success: 1, serverError: 3 })).includes('fatal-only'));
  assert.ok(!gone(reported({ status: 'unknown' })).includes('unhealthy'));
  assert.ok(gone(reported({ status: 'yellow' })).includes('unhealthy'));
  const expected = { expectedSinceMs: new Map([[H, NOW_MS]]) };
  assert.ok(!gone({ ...expected, ledger: new Map() }).includes('never-seen'), 'within its grace after a lost memory');
  assert.ok(gone({ ...expected, ...stored(1) }).includes('never-seen'));
});

test('findings come by host, then in the order of the symptoms; nothing of retired hosts', () => {
  const three = ['lab-2', 'lab-1', 'lab-3'];
  const { findings } = detect(
    observed({
      ledger: new Map(three.map((host) => [host, { lastStoredAtUs: NOW_US - 40 * MIN_US, commit: undefined }])),
      attempts: new Map(
        three.map((host) => [host, { success: 0, clientError: 10, serverError: 0, unstamped: 10, codes: new Map() }]),
      ),
      receiver: { kind: 'down', detail: 'gone' },
      retired: new Set(['lab-3']),
    }),
  );
  assert.deepEqual(
    findings.map(({ host, symptom }) => `${host} ${symptom}`),
    [
      '* receiver-down',
      'lab-1 silent',
      'lab-1 fatal-only',
      'lab-1 unstamped',
      'lab-2 silent',
      'lab-2 fatal-only',
      'lab-2 unstamped',
    ],
  );
});
