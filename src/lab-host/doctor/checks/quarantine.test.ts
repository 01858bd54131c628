import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { labHost } from '../doctor.fixture.ts';
import { quarantineCheck } from './quarantine.ts';

async function host(
  t: TestContext,
  refused: readonly (readonly [code: string | undefined, daysAgo: number, count: number])[],
  toml = '',
) {
  const context = await labHost(t, { toml });
  let next = 0;
  for (const [code, daysAgo, count] of refused) {
    for (let index = 0; index < count; index += 1) {
      const directory = join(context.layout.quarantine, `e-${next}`);
      next += 1;
      mkdirSync(directory, { recursive: true });
      const quarantined_at_wall = new Date(Date.now() - daysAgo * 86_400_000).toISOString();
      if (code !== undefined)
        writeFileSync(join(directory, 'quarantine_reason.json'), JSON.stringify({ code, quarantined_at_wall }));
    }
  }
  return context;
}

test('nothing is green', async (t) => {
  assert.deepEqual(await quarantineCheck.run(await labHost(t)), { status: 'green', summary: 'nothing', cure: null });
});

for (const [what, refused, status, summary, toml] of [
  [
    'some old ones',
    [
      ['conflict', 5, 2],
      ['too-large', 3, 1],
    ],
    'yellow',
    /^3 refused, none of them in the last 24 hours: 2 conflict, 1 too-large$/,
    '',
  ],
  ['some new ones', [['conflict', 0.5, 2]], 'yellow', /2 of them in the last 24 hours/, ''],
  ['grown in the last day', [['conflict', 0.5, 10]], 'red', /^10 refused, 10 of them/, ''],
  ['many old ones', [['conflict', 9, 4]], 'red', /^4 refused, none/, '[doctor]\nquarantine_many = 4'],
  ['without a reason', [[undefined, 0, 1]], 'yellow', /1 no-reason/, ''],
] as [string, [string | undefined, number, number][], string, RegExp, string][]) {
  test(`${what}: ${status}`, async (t) => {
    const found = await quarantineCheck.run(await host(t, refused, toml));
    assert.equal(found.status, status, found.summary);
    assert.match(found.summary, summary);
  });
}

test('the cure is that of the code', async (t) => {
  for (const [code, cure] of [
    [
      'commit-not-in-window',
      /git pull origin main\nsudo .*install-lab-host\.sh\nsudo .*cis490 quarantine requeue --code commit-not-in-window --config /,
    ],
    ['commit-missing', /^sudo .*install-lab-host\.sh\nsudo .*requeue --code commit-missing/],
    ['conflict', /^sudo .*quarantine list --code conflict --all/],
    ['retracted', /^sudo .*quarantine purge --code retracted --dry-run/],
    ['too-large', /^sudo .*quarantine requeue --code too-large/],
    ['constructor', /^sudo .*quarantine requeue --code constructor/],
    ["x'; rm -rf /", /requeue --code 'x'\\''; rm -rf \/' /],
  ] as const) {
    assert.match((await quarantineCheck.run(await host(t, [[code, 1.5, 1]]))).cure ?? '', cure);
  }
});
