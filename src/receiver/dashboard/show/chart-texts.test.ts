import assert from 'node:assert/strict';
import { test } from 'node:test';

// For browsers, without types here.
const { axisSize, stepsOf, timeText, valueText } = await import(`${import.meta.dirname}/../browser/chart-texts.js`);

const values: [value: number, unit: string, text: string][] = [
  [0, 'bytes', '0 B'],
  [24_576, 'bytes', '24 KiB'],
  [1_572_864, 'bytes', '1.5 MiB'],
  [12_345, 'count', '12,345'],
  [0.25, 's', '0.25 s'],
  [99.123_456, 'percent', '99.123 %'],
];
for (const [value, unit, text] of values) {
  test(`${value} ${unit} is ${text}`, () => {
    assert.equal(valueText(value, unit), text);
  });
}

test('things have no halves, bytes go by doublings, days by weeks', () => {
  assert.ok(stepsOf('count').every((step: number) => Number.isInteger(step)));
  assert.ok(stepsOf('').includes(0.01));
  assert.ok(stepsOf('bytes').every((step: number) => Number.isInteger(Math.log2(step))));
  assert.ok(stepsOf('day').every((step: number) => step % 86_400 === 0));
});

for (const unit of ['count', '', 'bytes', 'day']) {
  test(`steps of ${unit === '' ? 'numbers' : unit} rise`, () => {
    const steps: number[] = stepsOf(unit);
    assert.deepEqual(
      steps,
      [...new Set(steps)].toSorted((left, right) => left - right),
    );
  });
}

const elapsed: [seconds: number, text: string][] = [
  [0.5, 'after 0.5 s'],
  [119, 'after 119 s'],
  [150, 'after 2 min 30 s'],
  [7_200, 'after 2 h'],
  [9_000, 'after 2 h 30 min'],
];
for (const [seconds, text] of elapsed) {
  test(`${seconds} s is told as ${text}`, () => {
    assert.equal(timeText(seconds, 'elapsed'), text);
  });
}

test('a day is the day of UTC, wherever the reader is', () => {
  assert.match(timeText(Date.UTC(2026, 4, 17) / 1000, 'day'), /17.*\(UTC\)/);
});

test('an axis has room for its longest figure', () => {
  assert.ok(axisSize(undefined, ['1,024.5 KiB']) > axisSize(undefined, ['1 B']));
  assert.equal(axisSize(undefined, null), axisSize(undefined, []));
});
