import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../../../test/support/program.ts';
import { alertOfRun, LONG_AGO, startReceiver } from './alerts-receiver.fixture.ts';

const COMMIT = 'c'.repeat(40);

test('a host is shown with what it stored, what fires for it and what is over', async (t) => {
  const over = { symptom: 'backlog', state: 'resolved', resolvedAt: LONG_AGO } as const;
  const { get, putEpisode } = await startReceiver(
    t,
    alertOfRun('0a000001', 'lab-1'),
    alertOfRun('0a000002', 'lab-1', over),
  );
  assert.equal((await putEpisode('lab-1', 'e-1', COMMIT)).status, 201);
  const isShown = async () => (await get('reader', '/hosts/lab-1')).text.includes('1 episode stored in 24 hours');
  await eventually(isShown, 'the episode is in the view, which follows the ledger');
  const { text } = await get('reader', '/hosts/lab-1');
  assert.match(text, /<h1>lab-1<\/h1>/);
  assert.match(text, /ssh lab-1 cis490 shipper --ping/);
  assert.ok(text.indexOf('id="alert-0a000001"') < text.indexOf('id="alert-0a000002"'));
  assert.match(text, /href="\/data\/lab-1\/e-1"/);
  assert.match(text, new RegExp(`href="/data\\?commit=${COMMIT}"`));
});

// What is not plain in a target is refused before any page.
for (const [path, expected] of [
  ['/hosts/nobody', 404],
  ['/hosts/.hidden', 404],
  [`/hosts/${'x'.repeat(65)}`, 404],
  ['/hosts/%3Cscript%3E', 400],
] as const) {
  test(`${path} is no host: ${expected}`, async (t) => {
    const { get } = await startReceiver(t);
    const { status, text } = await get('reader', path);
    assert.equal(status, expected);
    assert.doesNotMatch(text, /<script>/);
  });
}
