import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anAlert, NOW_MS, plainView, wallAgo } from '../operator.fixture.ts';
import { describeAlerts } from './describe-alerts.ts';
import { describeSilences } from './describe-silences.ts';

test('nothing is open', () => {
  assert.deepEqual(describeAlerts([], 100, NOW_MS, plainView()), ['No alert is open.']);
});

test('open ones by gravity with their cure, then those that ended', () => {
  const alerts = [
    anAlert('backlog', {
      id: 'd',
      severity: 'warning',
      state: 'resolved',
      host: 'lab-2',
      since: wallAgo(90_000),
      resolved_at: wallAgo(7200),
    }),
    anAlert('stale-code', { id: 'c', severity: 'warning', silenced: '9f8e7d6c' }),
    anAlert('clock-skew', { id: 'b', severity: 'warning', suggested_fix: '' }),
    anAlert('fleet-silent', { id: 'a', host: '*' }),
  ];
  assert.deepEqual(describeAlerts(alerts, 4, NOW_MS, plainView()), [
    '3 alerts open: 1 critical, 1 warning, 1 silenced, acknowledged or explained by another',
    '',
    '  a  the fleet  fleet-silent  critical, for 10 min',
    '      it is so',
    '      mend it',
    '  b  lab-1  clock-skew  warning, for 10 min',
    '      it is so',
    '  c  lab-1  stale-code  warning, for 10 min, silenced',
    '      it is so',
    '      silenced by 9f8e7d6c: cis490 alerts silences',
    '      mend it',
    '',
    'You look after one: cis490 alerts ack ID --reason …  Not now: cis490 alerts silence --host HOST --for 2h --reason …',
    '',
    'ID  ENDED    BEGAN     HOST   SYMPTOM  DETAIL',
    'd   2 h ago  25 h ago  lab-2  backlog  it is so',
    '',
    'These are the newest 4; there may be more: --limit, --host',
  ]);
});

test('silences', () => {
  const silence = {
    id: 'a',
    host: 'lab-7',
    symptom: null,
    reason: 'moves',
    by: 'me',
    expires_at: wallAgo(-7300),
    active: true,
  };
  const ended = { ...silence, id: 'b', host: null, symptom: 'backlog', expires_at: wallAgo(600), active: null };
  assert.deepEqual(describeSilences([silence, ended], NOW_MS, plainView()), [
    'ID  HOST        SYMPTOM  UNTIL             BY  REASON',
    'a   lab-7       every    2 h more          me  moves',
    'b   every host  backlog  ended 10 min ago  me  moves',
  ]);
  assert.deepEqual(describeSilences([], NOW_MS, plainView()), ['Nothing is silenced.']);
});
