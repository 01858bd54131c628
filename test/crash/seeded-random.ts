// Random numbers that a printed seed brings back.

import { hash } from 'node:crypto';

/** 0 ≤ x < 1, by SHA-256 of a counter: slow, plain, and the same everywhere. */
export function seededRandom(seed: number): () => number {
  let counter = 0;
  let pool: number[] = [];
  return () => {
    if (pool.length === 0) {
      const digest = Buffer.from(hash('sha512', `${seed}:${counter}`), 'hex');
      counter += 1;
      pool = Array.from({ length: 16 }, (_, index) => digest.readUInt32BE(index * 4) / 2 ** 32);
    }
    return pool.pop() ?? 0;
  };
}
