import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseWallTime } from './parse-wall-time.ts';

const INSTANT = 1_777_617_473_830_599n;

for (const [text, expected] of [
  ['2026-05-01T06:37:53.830599+00:00', INSTANT],
  ['2026-05-01T06:37:53.830599Z', INSTANT],
  ['2026-05-01T08:37:53.830599+02:00', INSTANT],
  ['2026-05-01 01:07:53.830599-05:30', INSTANT],
  ['2026-05-01T06:37:53.830599999+00:00', INSTANT],
  ['2026-05-01T06:37:53+00:00', 1_777_617_473_000_000n],
  ['1970-01-01T00:00:00.000000+00:00', 0n],
  ['1969-12-31T23:59:59.999999+00:00', -1n],
  ['1969-12-31T23:59:59.999998001+00:00', -2n],
  ['+275760-09-13T00:00:00.000000+00:00', 8_640_000_000_000_000_000n],
  ['2026-05-01T06:37:53.830599', undefined],
  ['2026-05-01', undefined],
  ['2026-13-01T00:00:00+00:00', undefined],
  ['yesterday', undefined],
  ['', undefined],
] as const) {
  test(`${JSON.stringify(text)} is ${expected ?? 'no instant'}`, () => assert.equal(parseWallTime(text), expected));
}
