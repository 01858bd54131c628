import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../crash/seeded-random.ts';
import { planLink } from './link-plan.ts';

test('a link’s faults are the seed’s, of every kind, and half of its connections are sound', () => {
  const plan = planLink(seededRandom(7), 400);
  assert.deepEqual(planLink(seededRandom(7), 400), plan);
  assert.notDeepEqual(planLink(seededRandom(8), 400), plan);
  const kinds = Map.groupBy(plan, ({ kind }) => kind);
  assert.deepEqual([...kinds.keys()].sort(), ['cut', 'drip', 'half-open', 'lose-answer', 'none', 'reset', 'stall']);
  // The proxy can drip on one connection at a time.
  assert.equal(kinds.get('drip')?.length, 1);
  const sound = kinds.get('none')?.length ?? 0;
  assert.ok(sound > 150 && sound < 250, `${sound} sound ones`);
});
