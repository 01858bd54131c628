import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeFlatness } from './flatness.ts';

const MOST_MIB = 24;
const series = (seconds: number, rssMiB: (atS: number) => number) =>
  Array.from({ length: seconds }, (_, atS) => ({ atS, rssMiB: rssMiB(atS) }));

const CASES = [
  { what: 'it stays', samples: series(300, () => 120), isFlat: true },
  { what: 'it is collected now and then', samples: series(300, (atS) => 120 + (atS % 20)), isFlat: true },
  { what: 'it fills up while it warms', samples: series(300, (atS) => 60 + Math.min(80, atS)), isFlat: true },
  { what: 'it sinks', samples: series(300, (atS) => 200 - atS / 5), isFlat: true },
  { what: 'it grows by 9 MiB a minute', samples: series(300, (atS) => 120 + atS * 0.15), isFlat: false },
  { what: 'it grows beneath its waves', samples: series(300, (atS) => 120 + (atS % 20) + atS * 0.15), isFlat: false },
  { what: 'it grows slowly, for long', samples: series(7200, (atS) => 120 + atS / 150), isFlat: false },
];

for (const { what, samples, isFlat } of CASES) {
  test(`memory: ${what}`, () => {
    const judged = judgeFlatness(samples, MOST_MIB);
    assert.equal(judged.kind === 'judged' && judged.isFlat, isFlat, JSON.stringify(judged));
  });
}

test('the line says how fast it grows', () => {
  const judged = judgeFlatness(
    series(300, (atS) => 120 + atS / 6),
    MOST_MIB,
  );
  assert.ok(judged.kind === 'judged' && Math.abs(judged.mibPerMin - 10) < 0.01, JSON.stringify(judged));
});

test('little says nothing', () => {
  for (const samples of [[], series(1, () => 120), series(25, (atS) => atS), series(50, (atS) => atS)])
    assert.equal(judgeFlatness(samples, MOST_MIB).kind, 'too-few');
});
