import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { explainMistakes } from './explain-mistakes.ts';

const schema = z.object({
  name: z.string(),
  count: z.int().max(9).optional(),
  inner: z.object({ list: z.array(z.string()) }).optional(),
});

const cases: [name: string, value: unknown, told: string][] = [
  ['missing', {}, 'name: is missing'],
  ['of another type', { name: 1 }, 'name: expected string, received number'],
  ['out of range', { name: 'x', count: 10 }, 'count: Too big: expected number to be <=9'],
  ['deep inside', { name: 'x', inner: { list: ['a', 2] } }, 'inner.list.1: expected string, received number'],
  ['all of it', [], 'it: expected object, received array'],
  ['two at once', { count: 'x' }, 'name: is missing; count: expected number, received string'],
];

for (const [name, value, told] of cases) {
  test(name, () => {
    const { error } = schema.safeParse(value);
    assert.ok(error);
    assert.equal(explainMistakes(error), told);
  });
}
