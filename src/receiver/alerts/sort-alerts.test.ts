import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Alert, Silence } from '../../storage/monitor-state.ts';
import { sortAlerts } from './sort-alerts.ts';

const NOW = '2026-05-01T12:00:00.000000+00:00';
const at = (hour: number) => `2026-05-01T${String(hour).padStart(2, '0')}:00:00.000000+00:00`;

const alert = (id: string, more: Partial<Alert> = {}): Alert => ({
  id,
  host: id,
  symptom: 'silent',
  severity: 'critical',
  detail: '',
  suggestedFix: '',
  state: 'firing',
  firstAt: at(6),
  lastAt: at(11),
  resolvedAt: null,
  goodRuns: 0,
  suppressedBy: null,
  silencedBy: null,
  notifiedAt: null,
  acknowledged: null,
  ...more,
});
const silence = (id: string, from: number, until: number, host: string | null): Silence => ({
  id,
  host,
  symptom: null,
  reason: 'known',
  by: 'me',
  createdAt: at(from),
  expiresAt: at(until),
});
const KNOWN = { at: at(7), by: 'me', reason: 'known' };

async function sort(firing: Alert[], past: Alert[] = [], silences: Silence[] = []) {
  const sorted = await sortAlerts(
    {
      firingAlerts: async () => firing,
      listAlerts: async ({ state }) => (state === 'resolved' ? past : []),
      listSilences: async () => silences,
      lastRunAt: async () => at(11),
    },
    NOW,
  );
  const ids = (items: { id: string }[]) => items.map(({ id }) => id);
  const { open, acknowledged, silenced, history } = sorted;
  return {
    open: ids(open),
    acknowledged: ids(acknowledged),
    silenced: ids(silenced),
    history: ids(history),
    silences: ids(sorted.silences),
  };
}

test('each alert stands in one place, by what holds for it now', async () => {
  const firing = [
    alert('plain'),
    alert('known', { acknowledged: KNOWN }),
    alert('quiet'),
    alert('both', { acknowledged: KNOWN }),
    alert('was-quiet', { silencedBy: 's-ended' }),
  ];
  const past = [alert('over', { state: 'resolved', resolvedAt: at(9), acknowledged: KNOWN })];
  const silences = [
    silence('s-1', 10, 13, 'quiet'),
    silence('s-2', 10, 13, 'both'),
    silence('s-ended', 9, 11, 'was-quiet'),
  ];
  const { open, acknowledged, silenced, history } = await sort(firing, past, silences);
  assert.deepEqual(open, ['plain', 'was-quiet']);
  assert.deepEqual(acknowledged, ['known']);
  assert.deepEqual(silenced, ['quiet', 'both']);
  assert.deepEqual(history, ['over']);
});

test('the gravest and oldest first, what the whole fleet explains last', async () => {
  const { open } = await sort([
    alert('explained', { suppressedBy: 'receiver-down', firstAt: at(1) }),
    alert('warning', { severity: 'warning', firstAt: at(2) }),
    alert('young', { firstAt: at(9) }),
    alert('old', { firstAt: at(3) }),
    alert('fleet', { host: '*', firstAt: at(10) }),
  ]);
  assert.deepEqual(open, ['fleet', 'old', 'young', 'warning', 'explained']);
});

test('silences that hold come first, the next to end first; then those that ended, the last first', async () => {
  const { silences } = await sort(
    [],
    [],
    [
      silence('ended-9', 1, 9, null),
      silence('ended-11', 1, 11, null),
      silence('ends-14', 1, 14, null),
      silence('ends-13', 1, 13, null),
    ],
  );
  assert.deepEqual(silences, ['ends-13', 'ends-14', 'ended-11', 'ended-9']);
});
