import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Check, CheckResult } from './check.ts';
import { green, red } from './check.ts';
import { labHost } from './doctor.fixture.ts';
import { runChecks } from './run-checks.ts';

const check = (run: () => Promise<CheckResult>): Check => ({ id: 'disk', timeoutMs: 5_000, run });

// The limit only ends a test that hangs.
test('one that breaks is unknown and says why; the others go on', { timeout: 60_000 }, async (t) => {
  const { clock, ...rest } = await labHost(t);
  // Time that runs out at once, for whoever waits for it.
  const context = { ...rest, clock: { ...clock, sleep: async () => undefined } };
  const never = check(() => new Promise(() => undefined));
  const [late] = await runChecks([never], context);
  assert.deepEqual([late?.status, late?.summary], ['unknown', 'not known: it did not end within 5 s']);

  const thrown = check(async () => {
    throw new Error('the disk is on fire');
  });
  const forbidden = check(async () => {
    throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
  });
  const atOnce = check(() => {
    throw new Error('at once');
  });
  const patient = { ...context, clock: { ...clock, sleep: () => new Promise<void>(() => undefined) } };
  const found = await runChecks([thrown, forbidden, atOnce, check(async () => green('fine'))], patient);
  assert.deepEqual(
    found.map(({ status, summary, cure }) => [status, summary, cure]),
    [
      ['unknown', 'not known: the disk is on fire', null],
      ['unknown', 'not known: EACCES: permission denied', context.cures.again],
      ['unknown', 'not known: at once', null],
      ['green', 'fine', null],
    ],
  );
  assert.match(context.cures.again, /^sudo .*bin\/cis490 doctor --config .*lab-host\.toml$/);
});

test('what came from elsewhere drives no terminal', async (t) => {
  const context = await labHost(t);
  const evil = '\x1b[2Jgone\u202e\r\nsecond\u009b1m';
  const [found] = await runChecks([check(async () => red(evil, `echo ${evil}`))], context);
  assert.equal(found?.summary, '?[2Jgone? second?1m');
  assert.equal(found?.cure, 'echo ?[2Jgone?\nsecond?1m');
});
