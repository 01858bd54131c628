// Waiting for what real programs come to: by looking, never by a fixed time.

// Only to end a test that hangs.
const PATIENCE_MS = 180_000;
// Between two looks. One that starts a program leaves four fifths of the time to what it waits for.
const SHORTEST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;
const PAUSE_PER_LOOK = 4;

/** Polls; a condition that throws does not hold yet, and its error is told at the end. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    let why: unknown = '';
    const lookedAt = performance.now();
    try {
      if (await condition()) return;
    } catch (error) {
      why = error;
    }
    if (performance.now() > deadline) throw new Error(`never came true: ${what}. ${why}`);
    const tookMs = performance.now() - lookedAt;
    const pauseMs = Math.min(Math.max(SHORTEST_PAUSE_MS, PAUSE_PER_LOOK * tookMs), LONGEST_PAUSE_MS);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
