import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BandwidthLimit } from './bandwidth-limit.ts';

/** Time that passes only when all who wait have nothing else to do. */
class SteppedClock {
  nowMs = 0;
  readonly #sleepers = new Set<{ untilMs: number; wake: () => void }>();

  wallTime = () => '';
  monotonicMs = () => this.nowMs;

  sleep = (ms: number, signal?: AbortSignal): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const sleeper = { untilMs: this.nowMs + ms, wake: resolve };
    this.#sleepers.add(sleeper);
    signal?.addEventListener('abort', () => resolve());
    return promise.finally(() => this.#sleepers.delete(sleeper));
  };

  async runUntil(untilMs: number): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const nextMs = Math.min(...[...this.#sleepers].map((sleeper) => sleeper.untilMs));
      if (nextMs > untilMs) break;
      this.nowMs = nextMs;
      for (const sleeper of [...this.#sleepers]) if (sleeper.untilMs <= nextMs) sleeper.wake();
    }
    this.nowMs = untilMs;
  }
}

interface Sent {
  atMs: number;
  bytes: number;
}

/** One body that always has more; its pieces are noted as they leave. */
async function body(limit: BandwidthLimit, clock: SteppedClock, sent: Sent[], stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    await limit.take(limit.pieceBytes, stop);
    if (!stop.aborted) sent.push({ atMs: clock.nowMs, bytes: limit.pieceBytes });
  }
}

function bytesBetween(sent: readonly Sent[], fromMs: number, toMs: number): number {
  return sent.filter(({ atMs }) => atMs >= fromMs && atMs < toMs).reduce((sum, { bytes }) => sum + bytes, 0);
}

for (const bodies of [1, 2, 5]) {
  test(`${bodies} bodies share one limit, and no second holds more than its worth`, async () => {
    const clock = new SteppedClock();
    const limit = new BandwidthLimit(10_000, clock);
    const sent: Sent[] = [];
    const stop = new AbortController();
    const all = Promise.all(Array.from({ length: bodies }, () => body(limit, clock, sent, stop.signal)));
    await clock.runUntil(20_000);
    stop.abort();
    await all;
    const total = bytesBetween(sent, 0, 20_000);
    assert.ok(total >= 190_000 && total <= 200_000 + limit.pieceBytes, String(total));
    for (const { atMs } of sent) {
      const inOneSecond = bytesBetween(sent, atMs, atMs + 1_000);
      assert.ok(inOneSecond <= 10_000 + limit.pieceBytes, `${inOneSecond} bytes from ${atMs} ms`);
    }
  });
}

test('bodies that are smaller than a piece count as well', async () => {
  const clock = new SteppedClock();
  const limit = new BandwidthLimit(10_000, clock);
  let sentBodies = 0;
  const stop = new AbortController();
  const running = (async () => {
    for (; !stop.signal.aborted; sentBodies += 1) await limit.take(100, stop.signal);
  })();
  await clock.runUntil(1_000);
  stop.abort();
  await running;
  assert.ok(sentBodies >= 95 && sentBodies <= 105, String(sentBodies));
});

test('a body that ends in the middle leaves its share to the other', async () => {
  const clock = new SteppedClock();
  const limit = new BandwidthLimit(10_000, clock);
  const sent: Sent[] = [];
  const [first, second] = [new AbortController(), new AbortController()];
  const bodies = [body(limit, clock, [], first.signal), body(limit, clock, sent, second.signal)];
  await clock.runUntil(5_000);
  const shared = bytesBetween(sent, 0, 5_000);
  first.abort();
  await clock.runUntil(10_000);
  second.abort();
  await Promise.all(bodies);
  const alone = bytesBetween(sent, 5_000, 10_000);
  assert.ok(shared >= 23_000 && shared <= 27_000, `${shared} bytes beside the other`);
  assert.ok(alone >= 48_000 && alone <= 51_000, `${alone} bytes alone`);
});

test('an idle hour is not saved up', async () => {
  const clock = new SteppedClock();
  const limit = new BandwidthLimit(10_000, clock);
  await clock.runUntil(3_600_000);
  const sent: Sent[] = [];
  const stop = new AbortController();
  const running = body(limit, clock, sent, stop.signal);
  await clock.runUntil(3_601_000);
  stop.abort();
  await running;
  assert.ok(bytesBetween(sent, 3_600_000, 3_601_000) <= 11_000);
});

test('even one byte a second makes progress', async () => {
  const limit = new BandwidthLimit(1, new SteppedClock());
  assert.equal(limit.pieceBytes, 1);
  await limit.take(1, AbortSignal.abort());
});
