import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UploadProgress } from './upload-progress.ts';

const KIB = 1024;

test('a part of some size is a move, from one look to the next', () => {
  const progress = new UploadProgress();
  const looks = [0, 256 * KIB, 512 * KIB - 1, 768 * KIB, 768 * KIB].map((offset) => progress.hasMoved('/a', offset));
  assert.deepEqual(looks, [false, true, false, true, false]);
});

test('a byte at each attempt is none, however many there are', () => {
  const progress = new UploadProgress();
  for (let offset = 0; offset < 1_000; offset += 1) assert.equal(progress.hasMoved('/a', offset), false);
});

test('each upload by itself, and what is found first has moved nothing', () => {
  const progress = new UploadProgress();
  progress.hasMoved('/a', 0);
  assert.equal(progress.hasMoved('/b', 512 * KIB), false);
  assert.equal(progress.hasMoved('/a', 512 * KIB), true);
  progress.forget('/a');
  assert.equal(progress.hasMoved('/a', 1024 * KIB), false);
});
