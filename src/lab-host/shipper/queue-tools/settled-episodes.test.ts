import assert from 'node:assert/strict';
import { test } from 'node:test';
import { originalId } from './settled-episodes.ts';

const LONG = 'x'.repeat(250);

const NAMES: { name: string; claimed: string | undefined; id: string }[] = [
  { name: 'ep-1', claimed: 'ep-1', id: 'ep-1' },
  { name: 'ep-1', claimed: undefined, id: 'ep-1' },
  { name: 'ep-1.2', claimed: 'ep-1', id: 'ep-1' },
  { name: 'ep-1.12', claimed: 'ep-1', id: 'ep-1' },
  { name: `${LONG.slice(0, 200)}.2`, claimed: LONG, id: LONG },
  // An id of its own that ends like a number.
  { name: 'v.2', claimed: 'v.2', id: 'v.2' },
  { name: 'v.2', claimed: undefined, id: 'v.2' },
  // What a note claims must not lead elsewhere.
  { name: 'ep-1', claimed: '../ep-1', id: 'ep-1' },
  { name: 'ep-1.2', claimed: 'other', id: 'ep-1.2' },
  { name: 'ep-1.2', claimed: '', id: 'ep-1.2' },
  { name: 'ep-1.02', claimed: 'ep-1', id: 'ep-1.02' },
  { name: 'ep-1.two', claimed: 'ep-1', id: 'ep-1.two' },
];

for (const { name, claimed, id } of NAMES) {
  test(`${name.slice(-12)}, whose note says ${String(claimed).slice(-12)}, goes back as ${id.slice(-12)}`, () => {
    assert.equal(originalId(name, claimed), id);
  });
}
