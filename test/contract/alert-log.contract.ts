// What every AlertLog does, whatever is behind it.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { type AlertRow, dedupKeyOf } from '../../src/protocol/alert.ts';
import type { AlertLog } from '../../src/storage/alert-log.ts';

export interface AlertLogUnderTest {
  /** Another caller of the same log, as another run would be. */
  another(): AlertLog;
}

export type OpenAlertLog = (t: TestContext) => Promise<AlertLogUnderTest>;

const [H6, H7, H8] = ['2026-05-01T06', '2026-05-01T07', '2026-05-01T08'] as const;

function alertRow(host: string, hour: string = H7): AlertRow {
  const detectedAtWall = `${hour}:05:00.000000+00:00`;
  return {
    host,
    symptom: 'silent',
    detail: 'nothing — for 31 min',
    suggested_fix: 'ssh h1\nsudo systemctl restart cis490-shipper',
    detected_at_wall: detectedAtWall,
    dedup_key: dedupKeyOf(host, 'silent', detectedAtWall),
    severity: 'critical',
  };
}

const keyOf = (host: string, hour: string = H7) => alertRow(host, hour).dedup_key;

async function keysIn(log: AlertLog, hour: string, mark?: string): Promise<{ keys: string[]; mark: string }> {
  const known = await log.keysOf(hour, mark);
  return { keys: [...known.keys].sort(), mark: known.mark };
}

export function describeAlertLog(name: string, open: OpenAlertLog): void {
  describe(`AlertLog on ${name}`, () => {
    test('before the first row there are no keys, and asking makes nothing that would be in the way', async (t) => {
      const { another } = await open(t);
      const before = await keysIn(another(), H7);
      assert.deepEqual(before.keys, []);
      await another().append([alertRow('h1')]);
      assert.deepEqual((await keysIn(another(), H7, before.mark)).keys, [keyOf('h1')]);
    });

    test('the keys of an hour are those of its rows, with a mark or without', async (t) => {
      const { another } = await open(t);
      await another().append([alertRow('h1', H6), alertRow('h1'), alertRow('h2')]);
      await another().append([alertRow('*', H8)]);
      await another().append([]);
      for (const [hour, hosts] of [
        [H6, ['h1']],
        [H7, ['h1', 'h2']],
        [H8, ['*']],
        ['2026-05-01T09', []],
      ] as const) {
        const { keys, mark } = await keysIn(another(), hour);
        assert.deepEqual(keys, hosts.map((host) => keyOf(host, hour)).sort(), hour);
        assert.deepEqual((await keysIn(another(), hour, mark)).keys, keys, hour);
      }
    });

    test('from run to run: what was appended since is told with what was known of the hour', async (t) => {
      const { another } = await open(t);
      let mark: string | undefined;
      for (let count = 1; count <= 5; count += 1) {
        await another().append([alertRow(`h${count}`)]);
        const known = await keysIn(another(), H7, mark);
        mark = known.mark;
        assert.equal(known.keys.length, count);
      }
      assert.deepEqual((await keysIn(another(), H8, mark)).keys, []);
    });

    test('a clock that was ahead, one that was set back, and an hour that comes again', async (t) => {
      const { another } = await open(t);
      await another().append([alertRow('h1', H8)]);
      const ahead = await keysIn(another(), H8);
      await another().append([alertRow('h1', H6)]);
      const back = await keysIn(another(), H6, ahead.mark);
      assert.deepEqual(back.keys, [keyOf('h1', H6)]);
      const between = await keysIn(another(), H7, back.mark);
      assert.deepEqual(between.keys, []);
      assert.deepEqual((await keysIn(another(), H8, between.mark)).keys, [keyOf('h1', H8)]);
      assert.deepEqual((await keysIn(another(), H6, between.mark)).keys, [keyOf('h1', H6)]);
    });

    test('a mark that is none, or of another log: anew', async (t) => {
      const [one, other] = [await open(t), await open(t)];
      await one.another().append([alertRow('h1')]);
      await other.another().append([alertRow('h2')]);
      const { mark } = await keysIn(other.another(), H7);
      for (const wrong of [mark, '', 'x', '{}']) {
        assert.deepEqual((await keysIn(one.another(), H7, wrong)).keys, [keyOf('h1')]);
      }
    });
  });
}
