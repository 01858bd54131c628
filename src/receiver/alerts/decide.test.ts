import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../lib/clock.ts';
import type { Acknowledgement, Silence } from '../../storage/monitor-state.ts';
import { acknowledgeAlert, endSilence, makeSilence } from './decide.ts';

const NOW = '2026-05-01T12:00:00.000000+00:00';
const clock: Clock = { wallTime: () => NOW, monotonicMs: () => 0, sleep: async () => undefined };

/** One alert that fires, one that is over, and one silence that holds. */
function setUp() {
  const done: {
    acknowledged: Acknowledgement[];
    silences: Silence[];
    ended: string[];
    logged: unknown[];
    changes: number;
  } = { acknowledged: [], silences: [], ended: [], logged: [], changes: 0 };
  const dependencies = {
    monitorState: {
      acknowledge: async (id: string, acknowledgement: Acknowledgement) => {
        if (id === 'fires') done.acknowledged.push(acknowledgement);
        return id === 'fires' ? 'acknowledged' : id === 'over' ? 'resolved' : 'not-found';
      },
      putSilence: async (silence: Silence) => {
        done.silences.push(silence);
      },
      endSilence: async (id: string) => {
        if (id === 'holds') done.ended.push(id);
        return id === 'holds';
      },
    } as const,
    alertBoard: {
      changed: () => {
        done.changes += 1;
      },
    },
    clock,
    logger: { info: (...told: unknown[]) => void done.logged.push(told) },
  };
  return { dependencies, done };
}
const WHO = { by: 'token t-1', reason: 'known' };

test('what was decided is recorded, seen at once, and logged with who and why', async () => {
  const { dependencies, done } = setUp();
  const acknowledged = await acknowledgeAlert(dependencies, 'fires', WHO);
  assert.deepEqual(acknowledged, { kind: 'acknowledged', acknowledged: { at: NOW, ...WHO } });
  assert.deepEqual([done.acknowledged.length, done.changes, done.logged.length], [1, 1, 1]);
  const made = await makeSilence(dependencies, { host: 'lab-1', reason: 'moves', for: '2h' }, 'token t-1');
  assert.equal(made.kind, 'silence');
  assert.match(done.silences[0]?.id ?? '', /^[0-9a-f]{8}$/);
  assert.deepEqual([done.silences.length, done.changes, done.logged.length], [1, 2, 2]);
  assert.equal(await endSilence(dependencies, 'holds', 'token t-1'), true);
  assert.deepEqual([done.ended.length, done.changes, done.logged.length], [1, 3, 3]);
  assert.deepEqual(done.logged[0], [{ alert: 'fires', ...WHO }, 'alert acknowledged']);
});

test('what could not be decided changes nothing and is not logged', async () => {
  const { dependencies, done } = setUp();
  assert.deepEqual(await acknowledgeAlert(dependencies, 'over', WHO), { kind: 'resolved' });
  assert.deepEqual(await acknowledgeAlert(dependencies, 'nobody', WHO), { kind: 'not-found' });
  assert.equal((await makeSilence(dependencies, { host: 'lab-1', reason: 'x', for: 'soon' }, 'me')).kind, 'bad');
  assert.equal(await endSilence(dependencies, 'ended', 'me'), false);
  assert.deepEqual([done.silences.length, done.changes, done.logged.length], [0, 0, 0]);
});
