import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ThinnedSeries } from './thinned-series.ts';

test('as long as there are few, each row is a point', () => {
  const series = new ThinnedSeries(2, 8);
  for (const [x, ...values] of [
    [0, 1, 10],
    [1, 2, Number.NaN],
    [2.5, 3, 30],
  ] as const) {
    series.add(x, values);
  }
  assert.deepEqual(series.points(), {
    x: [0, 1, 2.5],
    values: [
      [1, 2, 3],
      [10, null, 30],
    ],
  });
});

test('neighbours share two points, with the least and the most in the order in which they came', () => {
  const series = new ThinnedSeries(1, 4);
  for (const [x, value] of [5, 1, 9, 4, 7].entries()) series.add(x, [value]);
  // Two buckets: the first four rows, and the fifth.
  assert.deepEqual(series.points(), { x: [0, 3, 4], values: [[1, 9, 7]] });
  series.add(5, [2]);
  assert.deepEqual(series.points(), { x: [0, 3, 4, 5], values: [[1, 9, 7, 2]] });
});

test('no peak is lost, the ends stay, and there are never more points than asked for', () => {
  const number = fc.oneof(fc.integer({ min: -1000, max: 1000 }), fc.constant(Number.NaN));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(number, number), { minLength: 1, maxLength: 500 }),
      fc.integer({ min: 4, max: 60 }),
      (rows, most) => {
        const series = new ThinnedSeries(2, most);
        for (const [x, values] of rows.entries()) series.add(x, values);
        const { x, values } = series.points();
        assert.ok(x.length <= most);
        assert.ok(x.every((time, index) => index === 0 || time > (x[index - 1] ?? 0)));
        assert.deepEqual([x[0], x.at(-1)], [0, rows.length - 1]);
        for (const [column, points] of values.entries()) {
          assert.equal(points.length, x.length);
          const numbers = rows.map((row) => row[column] ?? Number.NaN).filter(Number.isFinite);
          const shown = points.filter((point) => point !== null);
          assert.equal(Math.max(...shown), Math.max(...numbers));
          assert.equal(Math.min(...shown), Math.min(...numbers));
        }
      },
    ),
  );
});
