// Rows of numbers thinned while they come, however many there will be: neighbours share a bucket that keeps the least and the most of
// each column, so that no peak is lost.

export interface ThinnedPoints {
  /** Ascending. */
  x: number[];
  /** By column, each as long as `x`; null where no row had a number. */
  values: (number | null)[][];
}

interface Bucket {
  first: number;
  last: number;
  /** By column; undefined where no row had a number. */
  extents: (Extent | undefined)[];
}

/** Least and most, in the order in which they came. */
type Extent = readonly [number, number];

export class ThinnedSeries {
  readonly #columns: number;
  readonly #mostBuckets: number;
  #buckets: Bucket[] = [];
  #rowsPerBucket = 1;
  #rowsInLast = 1;

  /** `mostPoints`: at least 4; a bucket becomes two points, or one while it has one row. */
  constructor(columns: number, mostPoints: number) {
    this.#columns = columns;
    // Even, so that they merge in pairs.
    this.#mostBuckets = Math.max(2, 2 * Math.floor(mostPoints / 4));
  }

  /** `x` must not fall. A value that is none is NaN. */
  add(x: number, values: readonly number[]): void {
    const row = { first: x, last: x, extents: values.slice(0, this.#columns).map(extentOf) };
    if (this.#rowsInLast < this.#rowsPerBucket) {
      this.#rowsInLast += 1;
      this.#buckets.push(merged(this.#buckets.pop(), row));
      return;
    }
    // All of them are full.
    if (this.#buckets.length === this.#mostBuckets) this.#mergePairs();
    this.#buckets.push(row);
    this.#rowsInLast = 1;
  }

  points(): ThinnedPoints {
    const x = this.#buckets.flatMap(({ first, last }) => (first === last ? [first] : [first, last]));
    const values = Array.from({ length: this.#columns }, (_, column) =>
      this.#buckets.flatMap(({ first, last, extents }) => {
        const [earlier = null, later = null] = extents[column] ?? [];
        return first === last ? [later] : [earlier, later];
      }),
    );
    return { x, values };
  }

  #mergePairs(): void {
    this.#buckets = this.#buckets.flatMap((bucket, index) => {
      const next = this.#buckets[index + 1];
      return index % 2 === 0 && next ? [merged(bucket, next)] : [];
    });
    this.#rowsPerBucket *= 2;
  }
}

function extentOf(value: number): Extent | undefined {
  return Number.isFinite(value) ? [value, value] : undefined;
}

function merged(earlier: Bucket | undefined, later: Bucket): Bucket {
  if (!earlier) return later;
  const extents = later.extents.map((extent, column) => mergedExtent(earlier.extents[column], extent));
  return { first: earlier.first, last: later.last, extents };
}

function mergedExtent(earlier: Extent | undefined, later: Extent | undefined): Extent | undefined {
  if (!earlier || !later) return earlier ?? later;
  const inOrder = [...earlier, ...later];
  const [least, most] = [Math.min(...inOrder), Math.max(...inOrder)];
  return inOrder.indexOf(least) < inOrder.indexOf(most) ? [least, most] : [most, least];
}
