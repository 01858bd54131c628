// What every MonitorState does, whatever is behind it.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type {
  AlertOfRun,
  Channel,
  MonitorState,
  Notification,
  RunChange,
  Silence,
} from '../../src/storage/monitor-state.ts';

export interface MonitorStateUnderTest {
  /** Another caller of the same state, as another process would be. */
  another(): Promise<MonitorState>;
}

export type OpenMonitorState = (t: TestContext) => Promise<MonitorStateUnderTest>;

const LONG_AGO = '2000-01-01T00:00:00.000000+00:00';

/** A day and hour of May 2026. */
function at(day: number, hour = 0): string {
  return `2026-05-${String(day).padStart(2, '0')}T${String(hour).padStart(2, '0')}:00:00.000000+00:00`;
}

function alertOf(id: string, fields: Partial<AlertOfRun> = {}): AlertOfRun {
  return {
    id,
    host: 'h1',
    symptom: 'silent',
    severity: 'critical',
    detail: 'nothing for 31 min',
    suggestedFix: 'ssh h1',
    state: 'firing',
    firstAt: at(1),
    lastAt: at(1),
    resolvedAt: null,
    goodRuns: 0,
    suppressedBy: null,
    silencedBy: null,
    notifiedAt: null,
    ...fields,
  };
}

function resolved(id: string, resolvedAt: string): AlertOfRun {
  return alertOf(id, { state: 'resolved', resolvedAt, goodRuns: 2 });
}

function run(alerts: AlertOfRun[], fields: Partial<RunChange> = {}): RunChange {
  return { alerts, notifications: [], memory: 'm', ranAt: at(1), forgetResolvedBefore: LONG_AGO, ...fields };
}

function notification(channel: string, alertId: string, fields: Partial<Notification> = {}): Notification {
  return { channel, alertId, kind: 'firing', queuedAt: at(1), ...fields };
}

const ACKNOWLEDGEMENT = { at: at(2), by: 'ada', reason: 'on my way' };

async function waitingOf(state: MonitorState): Promise<string[]> {
  const waiting = await state.waitingNotifications();
  return waiting.map(({ channel, alertId, kind }) => `${channel} ${alertId} ${kind}`);
}

export function describeMonitorState(name: string, open: OpenMonitorState): void {
  describe(`MonitorState on ${name}`, () => {
    test('before the first run there is nothing', async (t) => {
      const state = await (await open(t)).another();
      assert.equal(await state.memory(), undefined);
      assert.equal(await state.lastRunAt(), null);
      assert.deepEqual(await state.listAlerts({ limit: 10 }), []);
      assert.deepEqual(await state.firingAlerts(), []);
      assert.deepEqual(await state.listSilences(at(1)), []);
      assert.deepEqual(await state.waitingNotifications(), []);
      assert.deepEqual(await state.channels(), []);
    });

    test('the time of the last run, whatever the clock said then; another caller has it, and after a restart', async (t) => {
      const { another } = await open(t);
      const [one, other] = [await another(), await another()];
      for (const ranAt of [at(3), at(2)]) {
        await one.applyRun(run([], { ranAt }));
        for (const caller of [one, other, await another()]) assert.equal(await caller.lastRunAt(), ranAt);
      }
    });

    test('the version is another after each change of another caller, and the same without one', async (t) => {
      const { another } = await open(t);
      const [one, other] = [await another(), await another()];
      const silence = {
        id: 's1',
        host: 'h1',
        symptom: null,
        reason: 'r',
        by: 'ada',
        createdAt: at(1),
        expiresAt: at(9),
      };
      const changes: ((state: MonitorState) => Promise<unknown>)[] = [
        (state) => state.applyRun(run([alertOf('a1')])),
        (state) => state.acknowledge('a1', ACKNOWLEDGEMENT),
        (state) => state.putSilence(silence),
        (state) => state.endSilence('s1', at(8)),
      ];
      for (const change of changes) {
        const before = await one.version();
        assert.equal(await one.version(), before);
        await change(other);
        assert.notEqual(await one.version(), before);
      }
    });

    test('a run: alerts as they were given, the memory of the last one; another caller has them, and after a restart', async (t) => {
      const { another } = await open(t);
      const [one, other] = [await another(), await another()];
      const full = alertOf('a2', {
        host: '*',
        symptom: 'fleet-silent',
        severity: 'warning',
        detail: 'ünïcode "\n',
        goodRuns: 1,
        suppressedBy: 'receiver-down',
        silencedBy: '0a0b0c0d',
        notifiedAt: at(1, 3),
      });
      await one.applyRun(run([alertOf('a1'), full], { memory: 'first' }));
      const expected = [full, alertOf('a1')].map((alert) => ({ ...alert, acknowledged: null }));
      assert.deepEqual(await other.firingAlerts(), expected);
      assert.equal(await other.memory(), 'first');
      const changed = alertOf('a1', { detail: 'for 36 min', lastAt: at(1, 1), goodRuns: 1, severity: 'warning' });
      await one.applyRun(run([changed], { memory: '' }));
      await one.close();
      const again = await another();
      assert.deepEqual(await again.firingAlerts(), [expected[0], { ...changed, acknowledged: null }]);
      assert.equal(await again.memory(), '');
    });

    test('alerts are listed newest first, by state and host, at most so many; what fires by host and symptom', async (t) => {
      const state = await (await open(t)).another();
      await state.applyRun(
        run([
          alertOf('a1', { firstAt: at(1) }),
          alertOf('a3', { firstAt: at(3), host: 'h2' }),
          { ...resolved('a2', at(4)), firstAt: at(2) },
          alertOf('a4', { firstAt: at(1), symptom: 'refused' }),
        ]),
      );
      const ids = async (filter: Partial<Parameters<MonitorState['listAlerts']>[0]>) =>
        (await state.listAlerts({ limit: 10, ...filter })).map(({ id }) => id);
      assert.deepEqual(await ids({}), ['a3', 'a2', 'a4', 'a1']);
      assert.deepEqual(await ids({ limit: 2 }), ['a3', 'a2']);
      assert.deepEqual(await ids({ host: 'h1' }), ['a2', 'a4', 'a1']);
      assert.deepEqual(await ids({ state: 'firing' }), ['a3', 'a4', 'a1']);
      assert.deepEqual(await ids({ state: 'resolved', host: 'h1' }), ['a2']);
      assert.deepEqual(await ids({ state: 'resolved', host: 'h2' }), []);
      assert.deepEqual(
        (await state.firingAlerts()).map(({ id }) => id),
        ['a4', 'a1', 'a3'],
      );
    });

    test('an acknowledgement: kept by every run, replaced by the next one, and no more once the alert has ended', async (t) => {
      const { another } = await open(t);
      const [monitor, receiver] = [await another(), await another()];
      assert.equal(await receiver.acknowledge('a1', ACKNOWLEDGEMENT), 'not-found');
      await monitor.applyRun(run([alertOf('a1'), alertOf('a2', { host: 'h2' })]));
      assert.equal(await receiver.acknowledge('a1', { ...ACKNOWLEDGEMENT, by: 'bob' }), 'acknowledged');
      assert.equal(await receiver.acknowledge('a1', ACKNOWLEDGEMENT), 'acknowledged');
      await monitor.applyRun(run([alertOf('a1', { goodRuns: 1 })]));
      const [first, second] = await monitor.firingAlerts();
      assert.deepEqual([first?.acknowledged, first?.goodRuns, second?.acknowledged], [ACKNOWLEDGEMENT, 1, null]);
      await monitor.applyRun(run([resolved('a1', at(3)), alertOf('a3')]));
      assert.equal(await receiver.acknowledge('a1', { ...ACKNOWLEDGEMENT, by: 'late' }), 'resolved');
      const listed = await monitor.listAlerts({ limit: 10, host: 'h1' });
      assert.deepEqual(new Map(listed.map(({ id, acknowledged }) => [id, acknowledged])).get('a1'), ACKNOWLEDGEMENT);
      assert.equal(listed.find(({ id }) => id === 'a3')?.acknowledged, null, 'a new alert starts without one');
    });

    test('resolved alerts are forgotten by when they ended; what fires, and what is still to be told, is not', async (t) => {
      const state = await (await open(t)).another();
      await state.applyRun(
        run([alertOf('a1'), resolved('a2', at(1)), resolved('a3', at(2)), resolved('a4', at(1, 23))], {
          notifications: [notification('mail', 'a4', { kind: 'resolved' })],
        }),
      );
      const ids = async () => (await state.listAlerts({ limit: 10 })).map(({ id }) => id).sort();
      await state.applyRun(run([], { forgetResolvedBefore: at(2) }));
      assert.deepEqual(await ids(), ['a1', 'a3', 'a4']);
      await state.settle(await state.waitingNotifications());
      await state.applyRun(run([], { forgetResolvedBefore: at(2) }));
      assert.deepEqual(await ids(), ['a1', 'a3']);
    });

    test('a run is applied whole or not at all', async (t) => {
      const state = await (await open(t)).another();
      await state.applyRun(run([alertOf('a1')], { memory: 'before' }));
      const broken = run([alertOf('a1', { detail: 'changed' }), alertOf('a2')], {
        memory: 'after',
        notifications: [notification('mail', 'a1'), notification('mail', 'of no alert')],
      });
      await assert.rejects(state.applyRun(broken));
      assert.equal(await state.memory(), 'before');
      assert.deepEqual(
        (await state.firingAlerts()).map(({ id, detail }) => `${id} ${detail}`),
        ['a1 nothing for 31 min'],
      );
      assert.deepEqual(await state.waitingNotifications(), []);
    });

    test('silences: by expiry, of all hosts or symptoms too; those that ended within 30 days are still told', async (t) => {
      const { another } = await open(t);
      const [one, other] = [await another(), await another()];
      const silence = (id: string, expiresAt: string, fields: Partial<Silence> = {}): Silence => {
        return {
          id,
          host: 'h1',
          symptom: 'silent',
          reason: 'moved',
          by: 'ada',
          createdAt: LONG_AGO,
          expiresAt,
          ...fields,
        };
      };
      const silences = [
        silence('s1', '2026-04-01T00:00:00.000000+00:00'),
        silence('s2', '2026-04-01T00:00:00.000001+00:00', { host: null }),
        silence('s3', at(1), { symptom: null }),
        silence('s4', at(9)),
      ];
      for (const it of silences.toReversed()) await one.putSilence(it);
      assert.deepEqual(await other.listSilences(at(1)), silences.slice(1));
      await one.putSilence(silence('s3', at(4)));
      assert.deepEqual(await other.listSilences(at(1)), [silences[1], silence('s3', at(4)), silences[3]]);
    });

    test('a silence is ended once, and never made longer', async (t) => {
      const { another } = await open(t);
      const [one, other] = [await another(), await another()];
      assert.equal(await one.endSilence('s1', at(1)), false);
      const silence = { host: null, symptom: null, reason: 'r', by: 'ada', createdAt: at(1), expiresAt: at(9) };
      await one.putSilence({ id: 's1', ...silence });
      await one.putSilence({ id: 's2', ...silence });
      assert.equal(await other.endSilence('s1', at(10)), false);
      assert.equal(await other.endSilence('s1', at(3)), true);
      assert.equal(await other.endSilence('s1', at(3)), false);
      assert.deepEqual(
        (await one.listSilences(at(1))).map(({ id, expiresAt }) => `${id} ${expiresAt}`),
        [`s1 ${at(3)}`, `s2 ${at(9)}`],
      );
    });

    test('what waits: with its alert, by channel and age; a later event takes the place of the one that waits', async (t) => {
      const state = await (await open(t)).another();
      const [a1, a2] = [alertOf('a1'), alertOf('a2', { host: 'h2' })];
      const notifications = [
        notification('web', 'a1'),
        notification('mail', 'a1', { queuedAt: at(1, 2) }),
        notification('mail', 'a2', { queuedAt: at(1, 1), kind: 'reminder' }),
      ];
      await state.applyRun(run([a1, a2], { notifications }));
      const withAlert = (it: Notification, alert: AlertOfRun) => ({ ...it, alert: { ...alert, acknowledged: null } });
      assert.deepEqual(await state.waitingNotifications(), [
        withAlert(notifications[2] as Notification, a2),
        withAlert(notifications[1] as Notification, a1),
        withAlert(notifications[0] as Notification, a1),
      ]);
      await state.applyRun(
        run([], { notifications: [notification('mail', 'a1', { kind: 'resolved', queuedAt: at(1, 3) })] }),
      );
      assert.deepEqual(await waitingOf(state), ['mail a2 reminder', 'mail a1 resolved', 'web a1 firing']);
    });

    test('what a channel has taken goes; an event that came meanwhile stays, and so does what waits for another channel', async (t) => {
      const { another } = await open(t);
      const [one, other] = [await another(), await another()];
      const sent = [notification('mail', 'a1'), notification('mail', 'a2')];
      await one.applyRun(run([alertOf('a1'), alertOf('a2')], { notifications: [...sent, notification('web', 'a1')] }));
      await other.applyRun(run([], { notifications: [notification('mail', 'a1', { kind: 'resolved' })] }));
      await one.settle(sent);
      assert.deepEqual(await waitingOf(one), ['mail a1 resolved', 'web a1 firing']);
      await other.applyRun(run([], { notifications: [notification('web', 'a1', { queuedAt: at(2) })] }));
      await one.settle([notification('web', 'a1')]);
      await one.settle([]);
      assert.deepEqual(await waitingOf(one), ['mail a1 resolved', 'web a1 firing']);
    });

    test('channels: the last word on each, by name; what is not configured any more is forgotten with what waits for it', async (t) => {
      const { another } = await open(t);
      const [one, other] = [await another(), await another()];
      const mail: Channel = { name: 'mail', failures: 0, nextTryAtMs: 0, lastError: null, lastSentAt: at(1) };
      const web: Channel = {
        name: 'web',
        failures: 3,
        nextTryAtMs: 1.5e12 + 0.25,
        lastError: 'HTTP 500',
        lastSentAt: null,
      };
      await one.putChannel({ ...web, failures: 2 });
      await one.putChannel(mail);
      await one.putChannel(web);
      assert.deepEqual(await other.channels(), [mail, web]);
      await one.applyRun(
        run([alertOf('a1')], { notifications: ['mail', 'web', 'never'].map((channel) => notification(channel, 'a1')) }),
      );
      await one.forgetChannelsExcept(['mail', 'new']);
      assert.deepEqual(await other.channels(), [mail]);
      assert.deepEqual(await waitingOf(other), ['mail a1 firing']);
      await one.forgetChannelsExcept([]);
      assert.deepEqual([await other.channels(), await waitingOf(other)], [[], []]);
    });

    test('runs and decisions of many callers at once: none is lost', async (t) => {
      const { another } = await open(t);
      const callers = await Promise.all(Array.from({ length: 4 }, () => another()));
      await callers[0]?.applyRun(run([alertOf('shared')]));
      await Promise.all(
        callers.flatMap((caller, index) => [
          ...Array.from({ length: 10 }, (_, count) => caller.applyRun(run([alertOf(`a${index}-${count}`)]))),
          caller.acknowledge('shared', ACKNOWLEDGEMENT),
        ]),
      );
      const firing = await (await another()).firingAlerts();
      assert.equal(firing.length, 41);
      assert.deepEqual(firing.find(({ id }) => id === 'shared')?.acknowledged, ACKNOWLEDGEMENT);
    });
  });
}
