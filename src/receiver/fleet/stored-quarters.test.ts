import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoredQuarters } from './stored-quarters.ts';

const NOW = '2026-05-02T12:07:00.000000+00:00';
const row = (received_at_wall: string, bytes = 10) => ({ received_at_wall, bytes });

const cases: [name: string, time: string, episodes: number][] = [
  ['now', NOW, 1],
  ['the first moment of the 96 quarters', '2026-05-01T12:15:00.000000+00:00', 1],
  ['the last moment before them', '2026-05-01T12:14:59.999999+00:00', 0],
  ['a year ago', '2025-05-02T12:00:00.000000+00:00', 0],
  ['ahead of the clock', '2026-05-02T12:15:00.000000+00:00', 0],
  ['no time at all', 'yesterday', 0],
];

for (const [name, time, episodes] of cases) {
  test(name, () => {
    const quarters = new StoredQuarters();
    quarters.add(row(time), NOW);
    assert.deepEqual(quarters.sum(Date.parse(NOW)), { episodes, sizeBytes: episodes * 10 });
  });
}

test('a day goes by: what is older than it leaves the sum', () => {
  const quarters = new StoredQuarters();
  const start = Date.parse('2026-05-01T00:00:00Z');
  for (let quarter = 0; quarter < 200; quarter += 1) {
    const now = new Date(start + quarter * 15 * 60_000).toISOString();
    quarters.add(row(now, quarter), now);
    quarters.add(row(now, quarter), now);
    const first = Math.max(0, quarter - 95);
    const expected = { episodes: 2 * (quarter - first + 1), sizeBytes: (first + quarter) * (quarter - first + 1) };
    assert.deepEqual(quarters.sum(Date.parse(now)), expected);
  }
  assert.deepEqual(quarters.sum(Date.parse('2027-01-01T00:00:00Z')), { episodes: 0, sizeBytes: 0 });
});

test('a row ahead of the clock counts once its time has come', () => {
  const quarters = new StoredQuarters();
  quarters.add(row('2026-05-02T13:00:00+00:00'), NOW);
  assert.equal(quarters.sum(Date.parse(NOW)).episodes, 0);
  assert.equal(quarters.sum(Date.parse('2026-05-02T13:01:00+00:00')).episodes, 1);
});

test('the series: 96 quarters, the oldest first, of which the sum is the sum', () => {
  const quarters = new StoredQuarters();
  for (const [time, bytes] of [
    ['2026-05-01T12:15:00.000000+00:00', 1],
    ['2026-05-02T11:59:59.999999+00:00', 20],
    ['2026-05-02T12:00:00.000000+00:00', 300],
    [NOW, 4000],
    ['2026-05-02T12:15:00.000000+00:00', 50_000],
  ] as const) {
    quarters.add(row(time, bytes), NOW);
  }
  const series = quarters.series(NOW);
  assert.equal(series.length, 96);
  const stored = series.flatMap(({ episodes, sizeBytes }, index) =>
    episodes > 0 ? [[index, episodes, sizeBytes]] : [],
  );
  assert.deepEqual(stored, [
    [0, 1, 1],
    [94, 1, 20],
    [95, 2, 4300],
  ]);
  const later = quarters.series('2026-05-02T12:20:00+00:00');
  assert.deepEqual(later.slice(93), [
    { episodes: 1, sizeBytes: 20 },
    { episodes: 2, sizeBytes: 4300 },
    { episodes: 1, sizeBytes: 50_000 },
  ]);
  assert.deepEqual(later[0], { episodes: 0, sizeBytes: 0 });
});

test('the episodes of the series alone, and a sum that is not that of before', () => {
  const quarters = new StoredQuarters();
  quarters.add(row('2026-05-01T12:15:00.000000+00:00'), NOW);
  assert.equal(quarters.sum(Date.parse(NOW)).episodes, 1);
  quarters.add(row(NOW), NOW);
  assert.equal(quarters.sum(Date.parse(NOW)).episodes, 2);
  for (const now of [NOW, '2026-05-02T12:16:00.000000+00:00'])
    assert.deepEqual(
      [...quarters.episodes(Date.parse(now))],
      quarters.series(now).map(({ episodes }) => episodes),
    );
  assert.equal(quarters.sum(Date.parse('2026-05-02T12:16:00.000000+00:00')).episodes, 1);
});
