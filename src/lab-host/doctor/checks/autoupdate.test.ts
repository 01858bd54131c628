import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { labHost } from '../doctor.fixture.ts';
import { autoupdateCheck } from './autoupdate.ts';

const COMMITS = { commit: 'a'.repeat(40), target: 'b'.repeat(40) };
const PENDING = { from: COMMITS.commit, to: COMMITS.target, boots: 0, ticks: 0, max_ticks: 6 };

for (const [what, content, status, summary] of [
  ['never ran', undefined, 'green', /^has not run$/],
  ['has no last one', {}, 'green', /^has not run$/],
  [
    'found nothing newer',
    { last: { result: 'current', at_wall: '2026-05-01T06:37:53+00:00' } },
    'green',
    /^nothing newer at 2026/,
  ],
  ['went well', { last: { result: 'updated', ...COMMITS } }, 'green', /^updated to b{12}$/],
  [
    'left something alone',
    { last: { result: 'current', detail: 'pinned to aaaaaaa' } },
    'green',
    /^nothing newer: pinned to aaaaaaa$/,
  ],
  [
    'is on trial',
    { pending: PENDING, last: { result: 'rolled-back', ...COMMITS } },
    'green',
    /^b{12} is on trial; before it ran a{12}$/,
  ],
  [
    'was taken back by the guard',
    { flipped: { from: COMMITS.commit, to: COMMITS.target, why: '11 starts' }, last: { result: 'updated' } },
    'red',
    /^the guard took b{12} back to a{12}: 11 starts$/,
  ],
  [
    'failed',
    { last: { result: 'failed', ...COMMITS, detail: 'no network' } },
    'yellow',
    /^the update to b{12} failed: no network$/,
  ],
  [
    'failed twice',
    { last: { result: 'failed', failures: 2 } },
    'yellow',
    /^the update to another release failed, 2 times in a row$/,
  ],
  [
    'failed three times',
    { last: { result: 'failed', ...COMMITS, failures: 3, detail: 'bad signature' } },
    'red',
    /^the update to b{12} failed, 3 times in a row: bad signature$/,
  ],
  [
    'was rolled back',
    { last: { result: 'rolled-back', ...COMMITS, at_wall: 7 } },
    'red',
    /^the update to b{12} was rolled back to a{12}$/,
  ],
] as const) {
  test(`an update that ${what}: ${status}`, async (t) => {
    const context = await labHost(t);
    if (content) writeFileSync(join(context.root, 'update-state.json'), JSON.stringify(content));
    const found = await autoupdateCheck.run(context);
    assert.equal(found.status, status);
    assert.match(found.summary, summary);
    if (status !== 'green')
      assert.match(
        found.cure ?? '',
        /^sudo journalctl -u cis490-autoupdate .*\nsudo systemctl start cis490-autoupdate$/,
      );
  });
}

for (const content of ['{"last": {"result": "exploded"}}', 'no json']) {
  test(`what no updater writes is not known: ${content}`, async (t) => {
    const context = await labHost(t);
    writeFileSync(join(context.root, 'update-state.json'), content);
    await assert.rejects(autoupdateCheck.run(context), { code: 'update-state-malformed' });
  });
}
