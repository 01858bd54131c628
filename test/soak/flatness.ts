// Judges whether a process holds ever more: by the line of least squares through the later samples of one life of it.

export interface Sample {
  atS: number;
  rssMiB: number;
}

export type Flatness =
  | { kind: 'too-few'; samples: number }
  | { kind: 'judged'; samples: number; overS: number; mibPerMin: number; growthMiB: number; isFlat: boolean };

// A heap fills its first generations once, and caches their first entries.
const WARMING_PART = 1 / 3;
const LEAST_SAMPLES = 20;
// Less time says nothing of a heap that is collected now and then.
const LEAST_S = 60;

/** `mostMiB`: how much more the line may say at its end than at its beginning. The longer the run, the smaller the leak that it finds. */
export function judgeFlatness(samples: readonly Sample[], mostMiB: number): Flatness {
  const [first] = samples;
  const last = samples.at(-1);
  if (!first || !last) return { kind: 'too-few', samples: 0 };
  const fromS = first.atS + (last.atS - first.atS) * WARMING_PART;
  const later = samples.filter(({ atS }) => atS >= fromS);
  const overS = last.atS - (later[0]?.atS ?? last.atS);
  if (later.length < LEAST_SAMPLES || overS < LEAST_S) return { kind: 'too-few', samples: later.length };
  const mibPerS = slopeOf(later);
  const growthMiB = mibPerS * overS;
  return {
    kind: 'judged',
    samples: later.length,
    overS,
    mibPerMin: mibPerS * 60,
    growthMiB,
    isFlat: growthMiB <= mostMiB,
  };
}

function slopeOf(samples: readonly Sample[]): number {
  const meanS = meanOf(samples.map(({ atS }) => atS));
  const meanMiB = meanOf(samples.map(({ rssMiB }) => rssMiB));
  const product = samples.reduce((sum, { atS, rssMiB }) => sum + (atS - meanS) * (rssMiB - meanMiB), 0);
  const square = samples.reduce((sum, { atS }) => sum + (atS - meanS) ** 2, 0);
  return product / square;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
