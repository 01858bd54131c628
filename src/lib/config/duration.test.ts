import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { durationInDays, durationInSeconds } from './duration.ts';

const UNIT_MS = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, day: 86_400_000, days: 86_400_000 };

test('a number in the unit of the key, or text with its own unit', () => {
  const cases: [schema: ReturnType<typeof durationInSeconds>, input: unknown, output: number][] = [
    [durationInSeconds(), 5, 5],
    [durationInSeconds(), 0.5, 0.5],
    [durationInSeconds(), '30 min', 1800],
    [durationInSeconds(), '5 s', 5],
    [durationInSeconds(), '5s', 5],
    [durationInSeconds(), '250 ms', 0.25],
    [durationInSeconds(), '2 h', 7200],
    [durationInSeconds(), '1.5 h', 5400],
    [durationInSeconds(), '7 days', 604_800],
    [durationInSeconds(), '24 days', 2_073_600],
    [durationInSeconds({ zero: 'allowed' }), 0, 0],
    [durationInSeconds({ zero: 'allowed' }), '0 s', 0],
    [durationInDays(), 7, 7],
    [durationInDays(), '7 days', 7],
    [durationInDays(), '1 day', 1],
    [durationInDays(), '12 h', 0.5],
    [durationInDays({ zero: 'allowed' }), 0, 0],
  ];
  for (const [schema, input, output] of cases) assert.equal(schema.parse(input), output, String(input));
});

test('anything else is refused with what was found and what is allowed', () => {
  const refused = [
    '',
    '5',
    'min',
    '5 parsec',
    '5 M',
    '-5 s',
    '5  s',
    '1e3 s',
    '5 constructor',
    -1,
    0,
    '0 s',
    '25 days',
    1e12,
  ];
  for (const input of refused) {
    const [issue] = durationInSeconds().safeParse(input).error?.issues ?? [];
    assert.ok(issue?.code === 'custom', `${input} must be refused`);
    assert.match(issue.message, /^a number of seconds or text such as "30 min" .*more than 0, at most 24 days$/);
    assert.deepEqual(issue.params, { found: typeof input === 'string' ? JSON.stringify(input) : String(input) });
  }
  for (const input of [true, Number.NaN, Number.POSITIVE_INFINITY, [], new Date()]) {
    assert.equal(durationInSeconds().safeParse(input).success, false);
  }
  assert.equal(durationInDays().safeParse(36_501).success, false);
  assert.equal(durationInSeconds({ zero: 'allowed' }).safeParse(-0.1).success, false);
});

test('a duration written in any unit reads back as the same time', () => {
  const unit = fc.constantFrom(...(['ms', 's', 'min', 'h', 'day', 'days'] as const));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 24 }), unit, fc.boolean(), (amount, name, spaced) => {
      const text = `${amount}${spaced ? ' ' : ''}${name}`;
      const ms = amount * UNIT_MS[name];
      assert.equal(durationInSeconds().parse(text), ms / 1000);
      assert.equal(durationInDays().parse(text), ms / 86_400_000);
    }),
  );
});
