// Waiting for what real programs come to: by looking, never by a fixed time.

/** Only to end a test that hangs; nothing is measured against it, however busy the machine is. */
export const PATIENCE_MS = 15 * 60_000;
const SHORTEST_PAUSE_MS = 50;
// A look that starts a program, or reads much, leaves four fifths of the time to what it waits for.
const PAUSE_PER_LOOK = 4;
const LONGEST_PAUSE_MS = 500;

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
    await pauseAfterLook(performance.now() - lookedAt, SHORTEST_PAUSE_MS);
  }
}

/** Between two looks, the first of which took so long. */
export async function pauseAfterLook(tookMs: number, shortestMs: number): Promise<void> {
  const pauseMs = Math.min(Math.max(shortestMs, PAUSE_PER_LOOK * tookMs), LONGEST_PAUSE_MS);
  await new Promise((resolve) => setTimeout(resolve, pauseMs));
}
