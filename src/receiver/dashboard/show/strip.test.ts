import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { QUARTERS } from '../../fleet/day-quarters.ts';
import { type StripDay, strip } from './strip.ts';

// 7 minutes into the last quarter.
const NOW = '2026-05-01T12:07:00.000000+00:00';

function counts(runs: readonly [from: number, to: number][]): number[] {
  const all = new Array<number>(QUARTERS).fill(0);
  for (const [from, to] of runs) all.fill(3, from, to);
  return all;
}

async function drawn(more: Partial<StripDay>): Promise<string> {
  const day = {
    stored: [],
    refused: undefined,
    failed: undefined,
    hasStoredBefore: true,
    silentAfterMin: 30,
    now: NOW,
  };
  return (await strip({ ...day, ...more })).toString();
}

const cases: [name: string, day: Partial<StripDay>, paths: Record<string, string>, title: string][] = [
  [
    'stored all day',
    { stored: counts([[0, 96]]) },
    { stored: 'M0 6h96' },
    'Last 24 h: stored in 96 of 96 quarter hours',
  ],
  [
    'a gap of 30 minutes is none, one of 45 is silence',
    {
      stored: counts([
        [0, 10],
        [12, 20],
        [23, 96],
      ]),
    },
    { stored: 'M0 6h10M12 6h8M23 6h73', silent: 'M20 6h3' },
    'Last 24 h: stored in 91 of 96 quarter hours, silent for 45 min',
  ],
  [
    'of the quarter that is under way only what has passed counts',
    { stored: counts([[0, 93]]), silentAfterMin: 40 },
    { stored: 'M0 6h93' },
    'Last 24 h: stored in 93 of 96 quarter hours',
  ],
  [
    'silent until now',
    { stored: counts([[0, 93]]) },
    { stored: 'M0 6h93', silent: 'M93 6h3' },
    'Last 24 h: stored in 93 of 96 quarter hours, silent for 45 min',
  ],
  [
    'before its first episode a host is not silent',
    { stored: counts([[90, 96]]), hasStoredBefore: false },
    { stored: 'M90 6h6' },
    'Last 24 h: stored in 6 of 96 quarter hours',
  ],
  [
    'silent since before the day began',
    { stored: counts([]) },
    { silent: 'M0 6h96' },
    'Last 24 h: stored in 0 of 96 quarter hours, silent for 24 hours',
  ],
  [
    'refusals, and what the receiver could not take, in one line',
    { stored: counts([[0, 96]]), refused: counts([[4, 5]]), failed: counts([[5, 7]]) },
    { stored: 'M0 6h96', refused: 'M4 9h3' },
    'Last 24 h: stored in 96 of 96 quarter hours, refused in 1, not taken by the receiver in 2',
  ],
];

describe('strip', () => {
  for (const [name, day, paths, title] of cases) {
    test(name, async () => {
      const svg = await drawn(day);
      const found = Object.fromEntries(
        [...svg.matchAll(/<path class="(\w+)" d="([^"]*)"\/>/g)].map((each) => each.slice(1)),
      );
      assert.deepEqual(found, paths);
      assert.equal(/<title>(.*)<\/title>/.exec(svg)?.[1], title);
    });
  }
});
