import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { labHost } from '../doctor.fixture.ts';
import { autoupdateCheck } from './autoupdate.ts';

const COMMITS = { commit: 'a'.repeat(40), target: 'b'.repeat(40) };

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
    'failed',
    { last: { result: 'failed', ...COMMITS, detail: 'bad signature' } },
    'red',
    /^the update to b{12} failed: bad signature$/,
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
    if (status === 'red')
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
