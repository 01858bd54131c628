import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Chart, chart } from './chart.ts';

const BASE: Chart = {
  id: 'c',
  title: 'Rate',
  summary: '3 in all.',
  kind: 'bars',
  x: 'time',
  times: [1_777_600_800, 1_777_601_700],
  series: [{ label: 'stored', unit: 'count', tone: 'good', values: [3, 0] }],
};
const render = async (more: Partial<Chart> = {}) => (await chart({ ...BASE, ...more })).toString();
/** As a browser reads an attribute. */
const attributeOf = (page: string) =>
  JSON.parse(
    (/data-chart="([^"]*)"/.exec(page)?.[1] ?? '')
      .replaceAll('&quot;', '"')
      .replaceAll('&#39;', "'")
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&amp;', '&'),
  );

test('carries its data for the script, and says it without', async () => {
  const page = await render();
  const { kind, x, times, series } = BASE;
  assert.deepEqual(attributeOf(page), { kind, x, times, series });
  assert.match(page, /role="img" aria-label="Rate: 3 in all\."/);
  assert.match(page, /<th scope="row"><time datetime="2026-05-01T02:00:00\.000Z"/);
  assert.match(page, /<td class="num">3<\/td>/);
});

test('a label that a host has written stays text', async () => {
  const label = '"><script>alert(1)</script><i title=\'';
  const page = await render({ series: [{ label, unit: '', values: [1, 2] }] });
  assert.ok(!page.includes('<script'));
  assert.ok(!page.includes('<i '));
  assert.equal(attributeOf(page).series[0].label, label);
});

const cells: [unit: Chart['series'][number]['unit'], value: number | null, text: string][] = [
  ['count', 12_345, '12,345'],
  ['bytes', 1_572_864, '1.5 MiB'],
  ['s', 0.25, '0.25 s'],
  ['percent', 99.123_456, '99.123 %'],
  ['', 1e7, '10,000,000'],
  ['', null, '–'],
];
for (const [unit, value, text] of cells) {
  test(`the table says ${text}`, async () => {
    const page = await render({ kind: 'line', series: [{ label: 'a', unit, values: [value, 1] }] });
    assert.ok(page.includes(`<td class="num">${text}</td>`), page);
  });
}

test('days are those of UTC, and what has only begun is told in seconds', async () => {
  assert.match(await render({ x: 'day' }), /<th scope="row">2026-05-01<\/th>/);
  assert.match(await render({ x: 'elapsed', times: [0.5, 1] }), /<th scope="row">0\.5 s<\/th>/);
});

test('bars leave out what is nothing, and say so when it is all of them', async () => {
  assert.equal((await render()).match(/<tr>/g)?.length, 2);
  const empty = await render({ series: [{ label: 'a', unit: 'count', values: [0, null] }] });
  assert.match(empty, /Nothing to show/);
});

test('a long line is told by some of its points, and says so', async () => {
  const times = Array.from({ length: 1_000 }, (_, index) => index);
  const page = await render({ kind: 'line', x: 'elapsed', times, series: [{ label: 'a', unit: '', values: times }] });
  assert.equal(page.match(/<tr>/g)?.length, 101);
  assert.match(page, /One of every 10 points/);
});

test('a time that is none breaks nothing', async () => {
  assert.match(await render({ times: [Number.MAX_VALUE, 1] }), /<th scope="row">\?<\/th>/);
});
