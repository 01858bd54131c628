import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../lib/clock.ts';
import type { RetiredHost } from '../../storage/control.ts';
import type { Alert, Silence } from '../../storage/monitor-state.ts';
import { AlertBoard } from './alert-board.ts';

const alert = (id: string, host: string, more: Partial<Alert> = {}): Alert => ({
  id,
  host,
  symptom: 'silent',
  severity: 'critical',
  detail: 'nothing stored for 40 min',
  suggestedFix: `ssh ${host} cis490 shipper --ping`,
  state: 'firing',
  firstAt: '2026-05-01T11:00:00.000000+00:00',
  lastAt: '2026-05-01T11:55:00.000000+00:00',
  resolvedAt: null,
  goodRuns: 0,
  suppressedBy: null,
  silencedBy: null,
  notifiedAt: null,
  acknowledged: null,
  ...more,
});
const silence = (id: string, from: string, until: string, more: Partial<Silence> = {}): Silence => ({
  id,
  host: 'lab-1',
  symptom: null,
  reason: 'known',
  by: 'token t-1',
  createdAt: `2026-05-01T${from}:00.000000+00:00`,
  expiresAt: `2026-05-01T${until}:00.000000+00:00`,
  ...more,
});

function setUp() {
  const stored = { alerts: [] as Alert[], silences: [] as Silence[], retired: [] as RetiredHost[], failure: '' };
  const seen = { nowMs: 0, reads: 0 };
  const clock: Clock = {
    wallTime: () => '2026-05-01T12:00:00.000000+00:00',
    monotonicMs: () => seen.nowMs,
    sleep: async () => undefined,
  };
  const board = new AlertBoard({
    monitorState: {
      firingAlerts: async () => {
        seen.reads += 1;
        if (stored.failure) throw new Error(stored.failure);
        return [...stored.alerts];
      },
      listSilences: async () => [...stored.silences],
    },
    control: { listRetiredHosts: async () => [...stored.retired] },
    clock,
  });
  return { board, stored, seen };
}

test('is read once a second, however many ask, and at once after a decision', async () => {
  const { board, stored, seen } = setUp();
  await Promise.all([board.now(), board.now(), board.now()]);
  stored.alerts.push(alert('a', 'lab-1'));
  seen.nowMs = 999;
  assert.deepEqual((await board.now()).alertsOf('lab-1'), []);
  assert.equal(seen.reads, 1);
  seen.nowMs = 1_000;
  assert.equal((await board.now()).alertsOf('lab-1').length, 1);
  stored.alerts.pop();
  board.changed();
  assert.deepEqual((await board.now()).alertsOf('lab-1'), []);
  assert.equal(seen.reads, 3);
});

test('what cannot be read is no silence, and is read again', async () => {
  const { board, stored, seen } = setUp();
  stored.alerts.push(alert('a', 'lab-1'));
  await board.now();
  stored.failure = 'the disk is gone';
  seen.nowMs = 1_000;
  await assert.rejects(board.now(), /the disk is gone/);
  stored.failure = '';
  seen.nowMs = 2_000;
  assert.equal((await board.now()).alertsOf('lab-1').length, 1);
});

test('each alert is under its host, with the silence that holds now', async () => {
  const { board, stored } = setUp();
  stored.alerts.push(
    alert('a', 'lab-1'),
    alert('b', 'lab-1', { symptom: 'backlog', severity: 'warning', suppressedBy: 'receiver-down' }),
    alert('c', 'lab-2', { silencedBy: 'a silence that was ended since' }),
    alert('d', '*', { symptom: 'receiver-down' }),
  );
  stored.silences.push(
    silence('ended', '10:00', '12:00', { host: 'lab-2' }),
    silence('of-the-host', '11:00', '13:00'),
    silence('longer', '11:00', '14:00', { symptom: 'silent' }),
    silence('to-come', '12:01', '15:00', { host: 'lab-2' }),
    silence('of-a-symptom', '12:00', '13:30', { host: null, symptom: 'receiver-down' }),
  );
  stored.retired.push({ hostId: 'lab-3', retiredAt: 'then', by: 'me', reason: 'scrapped' });
  const { alertsOf, retired } = await board.now();
  const shown = ['lab-1', 'lab-2', '*', 'lab-3'].map((host) =>
    alertsOf(host).map(({ id, silenced }) => [id, silenced]),
  );
  assert.deepEqual(shown, [
    [
      ['a', 'longer'],
      ['b', 'of-the-host'],
    ],
    [['c', null]],
    [['d', 'of-a-symptom']],
    [],
  ]);
  assert.equal(alertsOf('lab-1')[1]?.suppressed, 'receiver-down');
  assert.equal(retired.get('lab-3')?.reason, 'scrapped');
});
