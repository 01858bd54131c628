import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SYMPTOM_NAMES } from '../../protocol/alert.ts';
import { HOST_STATES, type HostState } from '../../protocol/answers.ts';
import { type HostSigns, hostStateWord } from './host-state-word.ts';

const NOW_MS = Date.parse('2026-05-01T12:00:00Z');
const MINUTE_MS = 60_000;
const THRESHOLDS = { silent_threshold_min: 30, heartbeat_fresh_s: 900, fatal_min_count: 10, backlog_oldest_s: 7_200 };

const GOOD: HostSigns = {
  nowMs: NOW_MS,
  isRetired: false,
  symptoms: [],
  lastStoredAtMs: NOW_MS - MINUTE_MS,
  heartbeat: undefined,
  outcomes: {},
  doctor: undefined,
};
const NEW = { lastStoredAtMs: undefined };
const SILENT = { lastStoredAtMs: NOW_MS - 31 * MINUTE_MS };
const says = (body: Record<string, unknown>, agoMin = 1) => ({
  heartbeat: { receivedAtMs: NOW_MS - agoMin * MINUTE_MS, body },
});
const HELD = { held: { count: 3, code: 'forbidden' } };

const cases: [name: string, signs: Partial<HostSigns>, word: HostState][] = [
  ['it stores', {}, 'ok'],
  [
    'it stores, and all it says is well',
    { ...says({ held: null, quarantine: { episodes: 4 } }), doctor: 'green' },
    'ok',
  ],
  ['a yellow doctor', { doctor: 'yellow' }, 'ok'],
  ['a doctor of whom nothing is known', { doctor: 'unknown' }, 'ok'],
  ['a red doctor', { doctor: 'red' }, 'sick'],
  ['nothing stored for as long as it may be', { lastStoredAtMs: NOW_MS - 30 * MINUTE_MS }, 'ok'],
  ['nothing stored for longer', SILENT, 'silent'],
  ['nothing stored for a year', { lastStoredAtMs: NOW_MS - 365 * 1_440 * MINUTE_MS }, 'silent'],
  ['stored ahead of the clock', { lastStoredAtMs: NOW_MS + 60 * MINUTE_MS }, 'ok'],
  ['nothing known at all', NEW, 'never-seen'],
  ['never stored, with a red doctor', { ...NEW, doctor: 'red' }, 'never-seen'],
  ['it holds its queue', { ...SILENT, ...says(HELD) }, 'refused'],
  ['it says that it holds none of its queue', says({ held: { count: 0, code: null } }), 'ok'],
  ['it holds its queue, of no count', says({ held: { code: 'forbidden' } }), 'refused'],
  ['it held its queue when it was last heard', { ...SILENT, ...says(HELD, 16) }, 'silent'],
  ['it held its queue, ahead of the clock', says(HELD, -16), 'ok'],
  ['it quarantines without asking', says({ quarantine: { recent: { without_asking: 1 } } }), 'refused'],
  ['it quarantines after asking', says({ quarantine: { recent: { without_asking: 0 } } }), 'ok'],
  ['it waits for too long', says({ backlog: { oldest_s: 7_201 } }), 'sick'],
  ['it waits for less than nothing, it says', says({ backlog: { oldest_s: -7_201 } }), 'ok'],
  ['it holds its queue, of a count that is none', says({ held: { count: 'many' } }), 'refused'],
  ['lists in place of what is known', says({ held: [3], quarantine: { recent: [1] }, backlog: [9_000] }), 'ok'],
  ['a heartbeat of any form', says({ held: 'yes', quarantine: { recent: 3 }, backlog: { oldest_s: 'old' } }), 'ok'],
  ['ten refusals and nothing else', { ...NEW, outcomes: { 'commit-missing': 6, conflict: 4 } }, 'refused'],
  ['nine refusals', { ...NEW, outcomes: { 'commit-missing': 9 } }, 'never-seen'],
  ['refusals beside what is stored', { outcomes: { 'commit-missing': 90, stored: 1 } }, 'ok'],
  ['refusals beside duplicates', { outcomes: { 'commit-missing': 90, duplicate: 1 } }, 'ok'],
  ['an alert, before anything else is known of it', { symptoms: ['clock-skew'] }, 'sick'],
  ['an alert that still fires though it stores again', { symptoms: ['silent'] }, 'silent'],
  ['of several alerts the gravest', { symptoms: ['backlog', 'silent', 'refused', 'unhealthy'] }, 'refused'],
  ['an alert, and silence since the last run', { ...SILENT, symptoms: ['stale-code'] }, 'silent'],
  ['retired, whatever fires', { isRetired: true, symptoms: ['silent', 'refused'], ...NEW }, 'retired'],
];

for (const [name, signs, word] of cases) {
  test(`${word}: ${name}`, () => {
    assert.equal(hostStateWord({ ...GOOD, ...signs }, THRESHOLDS), word);
  });
}

test('no symptom leaves a host well, and a later version’s is not overlooked', () => {
  for (const symptom of [...SYMPTOM_NAMES, 'on-fire' as 'silent']) {
    const word = hostStateWord({ ...GOOD, symptoms: [symptom] }, THRESHOLDS);
    assert.ok(word in HOST_STATES && word !== 'ok' && word !== 'retired', `${symptom}: ${word}`);
  }
});
