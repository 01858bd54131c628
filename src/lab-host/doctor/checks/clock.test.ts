import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from '../../transport/ping.fixture.ts';
import { clockOff, labHost } from '../doctor.fixture.ts';
import { clockCheck } from './clock.ts';

for (const [offS, status, summary] of [
  [0, 'green', /within \d+\.\d s/],
  [20, 'green', /within (?:19|20)\.\d s/],
  [60, 'yellow', /(?:s|min \d+ s) ahead of the receiver's/],
  [-600, 'red', /min \d+ s behind the receiver's/],
  [365 * 86_400, 'red', /36\d days ahead of/],
] as const) {
  test(`a clock that is ${offS} s off is ${status}`, async (t) => {
    const url = await serve(t, (_, response) =>
      response.end(JSON.stringify({ ok: true, server_time: new Date().toISOString() })),
    );
    const found = await clockCheck.run(await labHost(t, { url, clock: clockOff(offS * 1000) }));
    assert.equal(found.status, status, found.summary);
    assert.match(found.summary, summary);
    if (status !== 'green')
      assert.match(
        found.cure ?? '',
        /^sudo timedatectl set-ntp true\nnow=\$\(curl -sSI http:\/\/127.*\/healthz \| sed .*\); test -n "\$now" && sudo date --set "\$now"$/,
      );
  });
}

test('without a receiver, or one that tells no time, it is not known', async (t) => {
  const url = await serve(t, (_, response) => response.end('{"ok":true}'));
  assert.equal((await clockCheck.run(await labHost(t, { url }))).status, 'unknown');
  const silent = await serve(t, (_, response) => response.writeHead(503).end('{}'));
  const { status, summary } = await clockCheck.run(await labHost(t, { url: silent }));
  assert.deepEqual([status, summary], ['unknown', 'not known: contract fails first']);
});
