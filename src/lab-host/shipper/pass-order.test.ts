import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { PassOrder } from './pass-order.ts';

const queueOf = (count: number) => Array.from({ length: count }, (_, index) => `e${index}`);

/** Gives out one after another, each of which is put off with a tarball. */
function putOff(order: PassOrder, count: number, isInTrouble = true): string[] {
  const given: string[] = [];
  for (let turn = 0; turn < count; turn += 1) {
    const episodeId = order.next(isInTrouble);
    if (episodeId === undefined) return [...given, 'end'];
    order.ended(episodeId, true);
    given.push(episodeId);
  }
  return given;
}

function takeAll(order: PassOrder): string[] {
  const given: string[] = [];
  for (let id = order.next(false); id !== undefined; id = order.next(false)) {
    order.ended(id, false);
    given.push(id);
  }
  return given;
}

test('while the receiver takes episodes: oldest first', () => {
  assert.deepEqual(takeAll(new PassOrder({ queue: queueOf(5), packed: new Set(), mostKept: 2 })), queueOf(5));
});

test('what is packed already comes first, but no more of it than may lie there', () => {
  const packed = new Set(['e1', 'e3', 'e4', 'e5']);
  assert.deepEqual(takeAll(new PassOrder({ queue: queueOf(7), packed, mostKept: 2 })), [
    ...['e1', 'e3', 'e4'],
    ...['e0', 'e2', 'e5', 'e6'],
  ]);
});

describe('while the receiver takes nothing', () => {
  test('the few that are packed are tried in turn, and one more after each round of them', () => {
    const order = new PassOrder({ queue: queueOf(6), packed: new Set(), mostKept: 2 });
    assert.deepEqual(putOff(order, 12), [
      ...['e0', 'e1', 'e2'],
      ...['e0', 'e1', 'e3'],
      ...['e0', 'e1', 'e4'],
      ...['e0', 'e1', 'e5'],
    ]);
    assert.deepEqual(putOff(order, 1), ['end']);
  });

  test('what one more has packed is to go', () => {
    const order = new PassOrder({ queue: queueOf(4), packed: new Set(), mostKept: 2 });
    const kept = ['e0', 'e1', 'e2', 'e0', 'e1', 'e3'].map((expected) => {
      assert.equal(order.next(true), expected);
      return order.ended(expected, true);
    });
    assert.deepEqual(kept, [true, true, false, true, true, false]);
  });

  test('an episode that was not attempted is not tried again in this pass', () => {
    const order = new PassOrder({ queue: queueOf(3), packed: new Set(), mostKept: 1 });
    const given = queueOf(3).map(() => {
      const episodeId = order.next(true) ?? 'end';
      order.ended(episodeId, false);
      return episodeId;
    });
    assert.deepEqual([...given, order.next(true)], [...queueOf(3), undefined]);
  });

  test('never more than may lie there and one, whatever becomes of them, whoever waits', () => {
    const events = fc.array(
      fc.record({ asks: fc.boolean(), isInTrouble: fc.boolean(), becomes: fc.constantFrom('put-off', 'gone') }),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), events, (workers, script) => {
        const order = new PassOrder({ queue: queueOf(40), packed: new Set(), mostKept: workers });
        const packed = new Set<string>();
        const underWay: string[] = [];
        let most = workers + 1;
        for (const { asks, isInTrouble, becomes } of script) {
          if (asks && underWay.length < workers) {
            const episodeId = order.next(isInTrouble);
            if (episodeId === undefined) continue;
            assert.ok(!underWay.includes(episodeId));
            underWay.push(episodeId);
            packed.add(episodeId);
            // As long as it takes some, each worker may have one more under way.
            if (!isInTrouble) most = 2 * workers;
            assert.ok(packed.size <= most);
            continue;
          }
          const episodeId = underWay.shift();
          if (episodeId === undefined) continue;
          if (!order.ended(episodeId, becomes === 'put-off') || becomes === 'gone') packed.delete(episodeId);
        }
      }),
    );
  });
});

test('once the receiver takes episodes again, those that it did not take come before the younger ones', () => {
  const order = new PassOrder({ queue: queueOf(7), packed: new Set(), mostKept: 2 });
  assert.deepEqual(putOff(order, 7), ['e0', 'e1', 'e2', 'e0', 'e1', 'e3', 'e0']);
  assert.deepEqual(takeAll(order), queueOf(7));
});

test('one that is put off again and again gets a second turn in a pass, not a third', () => {
  const order = new PassOrder({ queue: queueOf(4), packed: new Set(), mostKept: 2 });
  assert.equal(order.next(false), 'e0');
  order.ended('e0', true);
  assert.deepEqual(putOff(order, 1, false), ['e0']);
  assert.deepEqual(takeAll(order), ['e1', 'e2', 'e3']);
});
