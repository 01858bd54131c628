import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRetryAfterS } from './retry-after.ts';

// The clock here is a year behind that of whoever answers.
const NOW_WALL_MS = Date.UTC(2025, 4, 1, 10, 0, 0);
const SENT = 'Fri, 01 May 2026 10:00:00 GMT';

for (const [value, date, seconds] of [
  [undefined, SENT, undefined],
  ['0', SENT, 0],
  ['120', SENT, 120],
  [' 120 ', SENT, 120],
  ['99999999999', SENT, 99_999_999_999],
  ['-1', SENT, undefined],
  ['1.5', SENT, undefined],
  ['1e3', SENT, undefined],
  ['soon', SENT, undefined],
  ['', SENT, undefined],
  ['Fri, 01 May 2026 10:20:00 GMT', SENT, 1_200],
  ['Friday, 01-May-26 10:20:00 GMT', SENT, 1_200],
  ['Fri May  1 10:20:00 2026', SENT, 1_200],
  ['Fri May 15 10:00:00 2026', SENT, 14 * 86_400],
  ['Fri, 01 May 2026 10:20:00 GMT', 'Friday, 01-May-26 10:00:00 GMT', 1_200],
  ['Fri, 01 May 2026 09:00:00 GMT', SENT, 0],
  ['Friday, 01-May-99 10:20:00 GMT', SENT, 0],
  ['Thu, 01 May 2025 10:20:00 GMT', undefined, 1_200],
  ['Thu, 01 May 2025 10:20:00 GMT', 'nonsense', 1_200],
  ['Fri, 01 Mai 2026 10:20:00 GMT', SENT, undefined],
  ['Fri, 01 May 2026 10:20:00 +0200', SENT, undefined],
  ['2026-05-01T10:20:00Z', SENT, undefined],
] as const) {
  test(`Retry-After: ${value}; Date: ${date}`, () => {
    assert.equal(readRetryAfterS({ 'retry-after': value, date }, NOW_WALL_MS), seconds);
  });
}
