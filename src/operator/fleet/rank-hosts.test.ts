import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aHost, anAlert, wallAgo } from '../operator.fixture.ts';
import type { FleetHost } from '../receiver-answers.ts';
import { isWell, rankHosts, stateOf } from './rank-hosts.ts';

const DECIDED = { at: wallAgo(60), by: 'me', reason: 'r' };

test('the worst first', () => {
  const hosts = [
    aHost('retired', { state: 'retired', retired: DECIDED, alerts: [anAlert('silent')] }),
    aHost('well-10'),
    aHost('well-9'),
    aHost('silenced', { state: 'sick', alerts: [anAlert('backlog', { silenced: '9f8e7d6c' })] }),
    aHost('explained', { state: 'silent', alerts: [anAlert('silent', { suppressed: 'fleet-silent' })] }),
    aHost('known', { state: 'silent', alerts: [anAlert('silent', { acknowledged: DECIDED })] }),
    aHost('no-alert-yet', { state: 'refused' }),
    aHost('warned', { state: 'sick', alerts: [anAlert('backlog', { severity: 'warning' })] }),
    aHost('critical', { state: 'silent', alerts: [anAlert('silent')] }),
    aHost('critical-twice', {
      state: 'silent',
      alerts: [anAlert('silent'), anAlert('unhealthy', { severity: 'warning' })],
    }),
  ];
  assert.deepEqual(
    rankHosts(hosts).map(({ host_id }) => host_id),
    [
      'critical-twice',
      'critical',
      'warned',
      'no-alert-yet',
      'explained',
      'known',
      'silenced',
      'well-9',
      'well-10',
      'retired',
    ],
  );
});

const states: [name: string, host: FleetHost, state: string, well: boolean][] = [
  ['the receiver’s word', aHost('h', { state: 'refused' }), 'refused', false],
  ['a word of a later receiver', aHost('h', { state: 'overheated' }), 'overheated', false],
  ['retired counts for more', aHost('h', { state: 'silent', retired: DECIDED }), 'retired', true],
  ['no word, alerts', aHost('h', { state: null, alerts: [anAlert('silent')] }), 'sick', false],
  ['no word, nothing stored', aHost('h', { state: null, last_stored_at: null }), 'never-seen', false],
  ['no word, all well', aHost('h', { state: null, alerts: undefined }), 'ok', true],
];

describe('state', () => {
  for (const [name, host, state, well] of states) {
    test(name, () => assert.deepEqual([stateOf(host), isWell(host)], [state, well]));
  }
});
