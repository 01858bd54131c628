import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packedParts } from './episode-packed.ts';

async function metaPart(meta: unknown): Promise<string> {
  const packed = { meta, files: [], isWhole: true };
  const page = String(await packedParts({ file: 'whole', sizeBytes: 1, packed, telemetry: undefined }));
  return /<section[^>]*id="meta">.*?<\/section>/s.exec(page)?.[0] ?? '';
}

function nested(depth: number): unknown {
  return JSON.parse('['.repeat(depth) + ']'.repeat(depth));
}

const TOO_DEEP = /too deeply nested to show: download it/;
const BEGINNING = /This is its beginning: the whole of it is in the download/;

test('meta.json is laid out over lines', async () => {
  const part = await metaPart({ workload: ['x'] });
  assert.match(part, />\{\n {2}&quot;workload&quot;: \[\n {4}&quot;x&quot;\n {2}\]\n\}<\/pre>/);
  assert.doesNotMatch(part, TOO_DEEP);
  assert.doesNotMatch(part, BEGINNING);
});

test('values that hold nothing are shown, and none is said to be none', async () => {
  for (const value of [false, 0, '', [], {}])
    assert.ok((await metaPart(value)).includes('<pre'), JSON.stringify(value));
  assert.match(await metaPart(null), /has no meta\.json/);
});

test('fifty levels are shown and no more, in arrays and objects, however many', async () => {
  assert.match(await metaPart(nested(50)), /<pre/);
  for (const deep of [nested(51), { a: [1, { b: nested(49) }] }, nested(500_000)]) {
    const part = await metaPart(deep);
    assert.match(part, TOO_DEEP);
    assert.doesNotMatch(part, /<pre/);
  }
});

test('of one that is large its beginning is shown, not laid out', async () => {
  const part = await metaPart(Array.from({ length: 40_000 }, () => 1));
  assert.match(part, />\[1,1,1,.*…<\/pre>/);
  assert.match(part, BEGINNING);
  assert.ok(part.length < 70_000, `${part.length}`);
  const laidOut = await metaPart(Array.from({ length: 20_000 }, () => 1));
  assert.match(laidOut, />\[\n {2}1,\n.*…<\/pre>/s);
  assert.match(laidOut, BEGINNING);
});
