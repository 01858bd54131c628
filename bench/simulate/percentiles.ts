// How long requests took, told by the percentiles that a tail shows in. Every one of them is kept: nothing is rounded into buckets.

export interface Percentiles {
  count: number;
  p50: number;
  p90: number;
  p99: number;
  p999: number;
  max: number;
}

/** In the unit of the values; NaN where there are none. */
export function percentilesOf(values: Float64Array): Percentiles {
  const sorted = values.toSorted();
  // Nearest rank: a value that was measured, and not one between two.
  const at = (part: number) => sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
  return { count: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: at(1) };
}
