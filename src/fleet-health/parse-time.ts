// Times as others wrote them, leniently: a text without an offset is UTC, as Python's isoformat may write it.

/** Microseconds since 1970, or undefined for what names no instant. */
export function parseTimeUs(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined;
  const nanoseconds = instantOf(text);
  return nanoseconds === undefined ? undefined : Number(nanoseconds / 1000n);
}

/** Milliseconds since 1970, with a fraction down to the microsecond. */
export function parseTimeMs(text: unknown): number | undefined {
  const us = parseTimeUs(text);
  return us === undefined ? undefined : us / 1000;
}

function instantOf(text: string): bigint | undefined {
  for (const form of [text, `${text}Z`]) {
    try {
      return Temporal.Instant.from(form).epochNanoseconds;
    } catch {
      // The next form.
    }
  }
  return undefined;
}
