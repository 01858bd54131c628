import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ACKNOWLEDGED, aHost, anAlert, aPicture, wallAgo } from './fleet.fixture.ts';
import type { FleetPicture } from './fleet-picture.ts';
import { judgeFleet, type VerdictTone } from './fleet-verdict.ts';

const well = aHost('lab-1');
const silent = aHost('lab-2', { state: 'silent', alerts: [anAlert('silent')] });
const sick = aHost('lab-3', { state: 'sick', alerts: [anAlert('backlog', { severity: 'warning' })] });
const seen = aHost('lab-4', { state: 'silent', alerts: [anAlert('silent', { acknowledged: ACKNOWLEDGED })] });
const retired = aHost('lab-5', { state: 'retired' });
const full = ['the store has 5 bytes free and keeps 6 in reserve'];
const late = { since: wallAgo(3_600) };

const cases: [name: string, picture: FleetPicture, tone: VerdictTone, headline: string, findings: number][] = [
  ['nobody', aPicture([]), 'idle', 'No lab host is known yet', 0],
  ['retired ones alone', aPicture([retired]), 'idle', 'No lab host is known yet', 0],
  ['one that is well', aPicture([well]), 'good', 'All is well: one host', 0],
  ['all are well', aPicture([well, aHost('lab-9'), retired]), 'good', 'All is well: 2 hosts', 0],
  ['one is looked after', aPicture([well, seen]), 'good', 'All is well, but for one host that is looked after', 0],
  ['one of several', aPicture([well, silent]), 'bad', '1 of 2 hosts needs you', 0],
  ['a warning alone', aPicture([well, sick]), 'warn', '1 of 2 hosts needs you', 0],
  ['all of them', aPicture([silent, sick]), 'bad', 'All 2 hosts need you', 0],
  ['the only one', aPicture([silent]), 'bad', '1 host needs you', 0],
  [
    'the fleet as a whole',
    aPicture([silent], {}, [anAlert('fleet-silent')]),
    'bad',
    'The whole fleet: fleet-silent',
    0,
  ],
  [
    'what is quiet of the whole fleet',
    aPicture([well], {}, [anAlert('fleet-silent', { silenced: 'deadbeef' })]),
    'good',
    'All is well: one host',
    0,
  ],
  ['it cannot store', aPicture([silent], { cannotStore: full }), 'bad', 'The receiver cannot store', 1],
  [
    'no monitor: nobody says that all is well',
    aPicture([well], { monitorLate: late }),
    'warn',
    'The monitor no longer runs',
    1,
  ],
  ['it never ran', aPicture([well], { monitorLate: { since: null } }), 'warn', 'The monitor has never run', 1],
  ['sick hosts count beside that', aPicture([well, silent], { monitorLate: late }), 'bad', '1 of 2 hosts needs you', 1],
  [
    'the gate is blind for a while',
    aPicture([well], { gateBlind: { since: wallAgo(600), why: 'no answer' } }),
    'warn',
    'The gate is blind',
    1,
  ],
  [
    'the gate is blind for long',
    aPicture([sick], { gateBlind: { since: wallAgo(3_600), why: 'no answer' }, monitorLate: late }),
    'bad',
    'The gate is blind',
    2,
  ],
];

describe('verdict', () => {
  for (const [name, picture, tone, headline, count] of cases) {
    test(name, () => {
      const { findings, ...verdict } = judgeFleet(picture);
      assert.deepEqual(verdict, { tone, headline });
      assert.equal(findings.length, count);
    });
  }
});
