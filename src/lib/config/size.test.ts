import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseRate, size, sizeInBytes } from './size.ts';

const UNITS = [
  ['B', 1],
  ['KB', 1e3],
  ['MB', 1e6],
  ['GB', 1e9],
  ['TB', 1e12],
  ['KiB', 1024],
  ['MiB', 1024 ** 2],
  ['GiB', 1024 ** 3],
  ['TiB', 1024 ** 4],
] as const;

test('text with a unit, and a bare number where the key says bytes', () => {
  for (const [text, bytes] of [
    ['4 GiB', 4_294_967_296],
    ['512 KiB', 524_288],
    ['512KiB', 524_288],
    ['10 MB', 10_000_000],
    ['1.5 GiB', 1_610_612_736],
    ['7 B', 7],
  ] as const) {
    assert.equal(size().parse(text), bytes, text);
    assert.equal(sizeInBytes().parse(text), bytes, text);
  }
  assert.equal(sizeInBytes().parse(4096), 4096);
  assert.equal(size().parse('0 B'), 0);
});

test('anything else is refused with what was found and what is allowed', () => {
  for (const text of ['', '5', 'GiB', '5 gib', '5 G', '-5 KB', '5  KB', '9999999 TiB', '5 toString']) {
    const [issue] = size().safeParse(text).error?.issues ?? [];
    assert.ok(issue?.code === 'custom', `${text} must be refused`);
    assert.match(issue.message, /^text such as "4 GiB" or "500 MB" \(B, KB/);
    assert.deepEqual(issue.params, { found: JSON.stringify(text) });
  }
  assert.equal(size().safeParse(4096).success, false, 'a bare number needs a key that names its unit');
  for (const number of [0, -1, 1.5, 2 ** 53])
    assert.equal(sizeInBytes().safeParse(number).success, false, String(number));
  assert.equal(sizeInBytes().safeParse('0 B').success, false);
});

test('a number of bytes reads back the same from every unit that divides it', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8000 }),
      fc.constantFrom(...UNITS),
      fc.boolean(),
      (amount, [, factor], spaced) => {
        const bytes = amount * factor;
        for (const [name, other] of UNITS) {
          if (bytes % other !== 0) continue;
          assert.equal(size().parse(`${bytes / other}${spaced ? ' ' : ''}${name}`), bytes);
        }
        assert.equal(sizeInBytes().parse(bytes), bytes);
      },
    ),
  );
});

test('a rate is a size per second', () => {
  assert.equal(parseRate('50 MiB/s'), 50 * 1024 ** 2);
  assert.equal(parseRate(' 1.5KB/s '), 1500);
  for (const text of ['', '5', '5/s', '50 MiB', '50 MiB/min', '0 B/s', '0.1 B/s', '-1 B/s', '50 MiB /s /s']) {
    assert.equal(parseRate(text), undefined, text);
  }
});
