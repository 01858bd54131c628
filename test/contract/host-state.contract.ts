// What every HostState does, whatever is behind it.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { HealthReport, Heartbeat, HostState, NewHeartbeat } from '../../src/storage/host-state.ts';

export interface HostStateUnderTest {
  hostState: HostState;
  reopen(): Promise<HostState>;
}

export type OpenHostState = (t: TestContext) => Promise<HostStateUnderTest>;

const WALL_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/;

export function describeHostState(name: string, open: OpenHostState): void {
  describe(`HostState on ${name}`, () => {
    test('the last heartbeat of a host, machine and boot replaces the one before, even with an earlier time', async (t) => {
      const { hostState } = await open(t);
      await hostState.putHeartbeat(heartbeat('h1', 'm1', 'b1', '2026-05-01T07:00', { backlog: { episodes: 7 } }));
      const last = heartbeat('h1', 'm1', 'b1', '2026-05-01T06:00', { backlog: { episodes: 0 }, held: null });
      await hostState.putHeartbeat(last);
      assert.deepEqual(await hostState.listHeartbeats(), [
        { ...last, firstReceivedAtWall: '2026-05-01T07:00:00.000000+00:00' },
      ]);
    });

    test('when a machine and boot were first heard of is kept while they are, each for itself', async (t) => {
      const { hostState, reopen } = await open(t);
      for (const [machine, bootId, minute] of [
        ['m1', 'b1', '07:00'],
        ['m1', 'b1', '07:05'],
        ['m2', 'b1', '07:06'],
        ['m1', 'b2', '07:07'],
        ['m1', 'b1', '07:10'],
        ['m2', 'b1', '07:11'],
      ] as const) {
        await hostState.putHeartbeat(heartbeat('h1', machine, bootId, `2026-05-01T${minute}`));
      }
      const times = (await (await reopen()).listHeartbeats()).map((it) =>
        [it.machine, it.bootId, it.firstReceivedAtWall.slice(11, 16), it.receivedAtWall.slice(11, 16)].join(' '),
      );
      assert.deepEqual(times, ['m1 b2 07:07 07:07', 'm1 b1 07:00 07:10', 'm2 b1 07:06 07:11']);
    });

    test('two machines under one name, and two boots of one machine, are kept apart; they outlive a restart', async (t) => {
      const { hostState, reopen } = await open(t);
      assert.deepEqual(await hostState.listHeartbeats(), []);
      const inOrder = [
        heartbeat('h1', 'm2', 'b1', '2026-05-01T09:00'),
        heartbeat('h1', 'm1', 'b2', '2026-05-01T08:00'),
        heartbeat('h1', 'm1', 'b1'),
        heartbeat('h2', 'm1', 'b1', '2026-05-01T07:00', { text: 'ünïcode "\n\u0000' }),
      ];
      for (const index of [3, 0, 1, 2]) await hostState.putHeartbeat(inOrder[index] as NewHeartbeat);
      assert.deepEqual(await hostState.listHeartbeats(), inOrder.map(asFirst));
      assert.deepEqual(await (await reopen()).listHeartbeats(), inOrder.map(asFirst));
    });

    test('of each host the 16 heartbeats that came last are kept, whatever their times', async (t) => {
      const { hostState, reopen } = await open(t);
      const other = heartbeat('h2', 'm1', 'b1', '2020-01-01T00:00');
      await hostState.putHeartbeat(other);
      // The clock steps back with each; in the order of their boots they come as 19, 18, … 00.
      const boots = Array.from({ length: 20 }, (_, index) => `b${String(19 - index).padStart(2, '0')}`);
      const beatOf = (boot: string) => heartbeat('h1', 'm1', boot, `2026-05-01T07:${boot.slice(1)}`);
      for (const boot of boots) await hostState.putHeartbeat(beatOf(boot));
      const kept = (bootIds: string[]) => [...bootIds.map(beatOf), other].map(asFirst);
      assert.deepEqual(await hostState.listHeartbeats(), kept(boots.slice(4)));
      // The eldest of those that are kept comes again: then it is the last, and the one after it is the eldest.
      await hostState.putHeartbeat(beatOf('b15'));
      assert.deepEqual(await hostState.listHeartbeats(), kept([...boots.slice(5), 'b15']));
      const again = await reopen();
      await again.putHeartbeat(beatOf('b30'));
      assert.deepEqual(await again.listHeartbeats(), kept([...boots.slice(6), 'b15', 'b30']));
    });

    test('a report is kept byte for byte, with the time of its receipt', async (t) => {
      const { hostState, reopen } = await open(t);
      assert.equal(await hostState.getReport('h1'), undefined);
      const content = Buffer.from('{ "checks" : [ ] ,\r\n  "a": 1.10, "a": 2, "ü": "\\u0000" }\n');
      const { receivedAtWall } = await hostState.putReport('h1', content);
      assert.match(receivedAtWall, WALL_TIME);
      for (const opened of [async () => hostState, reopen]) {
        const state = await opened();
        assert.deepEqual(textOf(await state.getReport('h1')), {
          hostId: 'h1',
          receivedAtWall,
          content: content.toString(),
        });
        assert.equal(await state.getReport('h'), undefined);
      }
    });

    test('the last report of a host replaces the one before', async (t) => {
      const { hostState } = await open(t);
      await hostState.putReport('h1', Buffer.from(`{"long":"${'x'.repeat(100_000)}"}`));
      await hostState.putReport('h1', Buffer.from('{}'));
      assert.equal(textOf(await hostState.getReport('h1'))?.content, '{}');
    });

    test('a reader of a report that is replaced meanwhile has one of them, whole', async (t) => {
      const { hostState } = await open(t);
      const contents = Array.from({ length: 20 }, (_, index) =>
        JSON.stringify({ index, fill: 'x'.repeat(20_000 * index) }),
      );
      await hostState.putReport('h1', Buffer.from(contents[0] ?? ''));
      const puts = Promise.all(contents.map((content) => hostState.putReport('h1', Buffer.from(content))));
      for (let read = 0; read < 50; read += 1) {
        const found = textOf(await hostState.getReport('h1'));
        assert.ok(found && contents.includes(found.content), 'a part of a report, or none');
      }
      await puts;
    });

    test('all reports, by host, whatever the hosts are called', async (t) => {
      const { hostState } = await open(t);
      assert.deepEqual(await listed(hostState), []);
      const hostIds = ['A', 'a', 'a.json', 'a.json.0a1b2c3d.tmp', 'b-1', 'b_1'];
      for (const hostId of hostIds.toReversed()) await hostState.putReport(hostId, Buffer.from(`{"of":"${hostId}"}`));
      assert.deepEqual(
        (await listed(hostState)).map((report) => [report.hostId, textOf(report)?.content]),
        hostIds.map((hostId) => [hostId, `{"of":"${hostId}"}`]),
      );
      for (const report of await listed(hostState)) {
        assert.deepEqual(textOf(report), textOf(await hostState.getReport(report.hostId)));
      }
    });
  });
}

function heartbeat(
  hostId: string,
  machine: string,
  bootId: string,
  minute = '2026-05-01T07:00',
  body: Heartbeat['body'] = {},
): NewHeartbeat {
  return { hostId, machine, bootId, receivedAtWall: `${minute}:00.000000+00:00`, body };
}

/** As it is kept when it was the first of its machine and boot. */
function asFirst(beat: NewHeartbeat): Heartbeat {
  return { ...beat, firstReceivedAtWall: beat.receivedAtWall };
}

function textOf(report: HealthReport | undefined) {
  return report && { ...report, content: Buffer.from(report.content).toString() };
}

async function listed(hostState: HostState): Promise<HealthReport[]> {
  return await Array.fromAsync(hostState.listReports());
}
