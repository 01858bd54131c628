// Wall times as numbers that compare as instants, whatever offset and precision their writer used.

/** Microseconds since 1970, or undefined for a text that names no instant: one without an offset, say. */
export function parseWallTime(text: string): bigint | undefined {
  try {
    return floorDivide(Temporal.Instant.from(text).epochNanoseconds, 1000n);
  } catch {
    return undefined;
  }
}

function floorDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend < 0n && dividend % divisor !== 0n ? quotient - 1n : quotient;
}
