import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { EpisodeLocks } from './episode-locks.ts';

/** Work that ends when it is told to, and says when it began. */
function heldWork(log: string[], name: string) {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  return {
    run: () => {
      log.push(`${name} begins`);
      return promise.finally(() => log.push(`${name} ends`));
    },
    end: () => resolve(name),
    fail: () => reject(new Error(name)),
  };
}

test('of one id one works at a time, in the order in which they came; each gets its own outcome', async () => {
  const locks = new EpisodeLocks();
  const log: string[] = [];
  const works = ['a', 'b', 'c'].map((name) => heldWork(log, name));
  const results = works.map((work) => locks.run('lab-07', 'e', work.run));
  for (const work of works.toReversed()) {
    await nextTurn();
    work.end();
  }
  assert.deepEqual(await Promise.all(results), ['a', 'b', 'c']);
  assert.deepEqual(log, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});

test('who comes when the first has ended waits for those who came before', async () => {
  const locks = new EpisodeLocks();
  const log: string[] = [];
  const [first, second, third] = [heldWork(log, 'a'), heldWork(log, 'b'), heldWork(log, 'c')];
  const results = [locks.run('lab-07', 'e', first.run), locks.run('lab-07', 'e', second.run)];
  first.end();
  await results[0];
  await nextTurn();
  results.push(locks.run('lab-07', 'e', third.run));
  third.end();
  await nextTurn();
  assert.deepEqual(log, ['a begins', 'a ends', 'b begins']);
  second.end();
  assert.deepEqual(await Promise.all(results), ['a', 'b', 'c']);
});

test('the failure of one is its own: the next begins all the same', async () => {
  const locks = new EpisodeLocks();
  const log: string[] = [];
  const [first, second] = [heldWork(log, 'a'), heldWork(log, 'b')];
  const failing = assert.rejects(locks.run('lab-07', 'e', first.run), { message: 'a' });
  const next = locks.run('lab-07', 'e', second.run);
  first.fail();
  await failing;
  second.end();
  assert.equal(await next, 'b');
});

test('other ids do not wait', async () => {
  const locks = new EpisodeLocks();
  const log: string[] = [];
  const work = heldWork(log, 'a');
  const held = locks.run('lab-07', 'e', work.run);
  for (const [host, episode] of [
    ['lab-08', 'e'],
    ['lab-07', 'f'],
    ['lab', '07/e'],
  ] as const) {
    assert.equal(await locks.run(host, episode, () => Promise.resolve('done')), 'done');
  }
  work.end();
  await held;
});

test('work begins at once when nobody has the id, also after one that ended or failed', async () => {
  const locks = new EpisodeLocks();
  await locks.run('lab-07', 'e', () => Promise.resolve());
  await assert.rejects(locks.run('lab-07', 'e', () => Promise.reject(new Error('x'))));
  const log: string[] = [];
  const work = heldWork(log, 'a');
  const running = locks.run('lab-07', 'e', work.run);
  assert.deepEqual(log, ['a begins']);
  work.end();
  await running;
});

test('never two of one id at once, and every outcome comes back, for any interleaving', async () => {
  const job = fc.record({ id: fc.constantFrom('a', 'b'), turns: fc.integer({ min: 0, max: 3 }), fails: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(job, { maxLength: 12 }), async (jobs) => {
      const locks = new EpisodeLocks();
      const working = new Map<string, number>();
      const order: number[] = [];
      const outcomes = await Promise.allSettled(
        jobs.map(({ id, turns, fails }, index) =>
          locks.run('lab-07', id, async () => {
            assert.equal(working.get(id) ?? 0, 0);
            working.set(id, 1);
            for (let n = 0; n < turns; n += 1) await nextTurn();
            working.set(id, 0);
            order.push(index);
            if (fails) throw new Error(String(index));
            return index;
          }),
        ),
      );
      outcomes.forEach((outcome, index) => {
        assert.equal(outcome.status, jobs[index]?.fails ? 'rejected' : 'fulfilled');
        assert.equal(outcome.status === 'rejected' ? outcome.reason.message : String(outcome.value), String(index));
      });
      for (const id of ['a', 'b']) {
        const mine = order.filter((index) => jobs[index]?.id === id);
        assert.deepEqual(
          mine,
          mine.toSorted((x, y) => x - y),
        );
      }
    }),
  );
});
