// Waiting for what real programs come to: by looking, never by a fixed time.

// Only to end a test that hangs.
const PATIENCE_MS = 180_000;
const PAUSE_MS = 50;

/** Polls; a condition that throws does not hold yet, and its error is told at the end. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    let why: unknown = '';
    try {
      if (await condition()) return;
    } catch (error) {
      why = error;
    }
    if (performance.now() > deadline) throw new Error(`never came true: ${what}. ${why}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
