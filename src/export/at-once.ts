// Works on several items of a stream at the same time. The first failure stops the others, and is thrown when all have ended.

/** `work` is given a signal that aborts with `stop`, or when another one has failed. No item begins after that. */
export async function atOnce<Item>(
  items: AsyncIterable<Item>,
  jobs: number,
  stop: AbortSignal,
  work: (item: Item, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const signal = AbortSignal.any([stop, failed.signal]);
  const source = items[Symbol.asyncIterator]();
  const failures: unknown[] = [];
  const worker = async () => {
    try {
      while (!signal.aborted) {
        const next = await source.next();
        if (next.done || signal.aborted) return;
        await work(next.value, signal);
      }
    } catch (error) {
      failures.push(error);
      failed.abort();
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  await source.return?.();
  if (failures.length > 0) throw failures[0];
}
