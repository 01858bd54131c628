// A host that comes back with thousands of episodes of stale and unstamped code: a handful of requests, and none of it lost when the
// gate was wrong.

import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { publishEpisode } from '../support/episodes.ts';
import { GOOD_COMMIT, STALE_COMMIT, TestFleet } from '../support/fleet.ts';
import { memoryDirectory } from '../support/memory-directory.ts';
import { namesIn, readRows } from '../support/nothing-lost.ts';

const EPISODES = 4_465;

test('4,465 stale and unstamped episodes cost a handful of requests, and are stored once the gate is opened', async (t) => {
  const fleet = await TestFleet.create(memoryDirectory());
  let receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const host = fleet.addHost('lab-1');
  for (let index = 0; index < EPISODES; index += 1) {
    const commit = index % 3 === 0 ? undefined : STALE_COMMIT;
    publishEpisode(host.data, 'lab-1', { episodeId: `e${index}`, commit, files: { data: String(index) } });
  }
  publishEpisode(host.data, 'lab-1', { episodeId: 'good', commit: GOOD_COMMIT, files: {} });

  const drained = await fleet.shipOnce(host);
  assert.equal(drained.code, 0, drained.log.slice(-2_000));
  const puts = receiver.stderr.match(/"PUT \/v1\/episodes\//g)?.length ?? 0;
  t.diagnostic(`${EPISODES} episodes refused and one stored with ${puts} PUTs`);
  // One that is stored, and of each code as many as were on their way when the first was refused.
  assert.ok(puts >= 3 && puts <= 1 + 2 * 2, `${puts} PUTs`);
  assert.equal(namesIn(join(host.data, 'quarantine')).length, EPISODES);
  assert.deepEqual(namesIn(join(host.data, 'shipped')), ['good']);
  assert.equal(drained.log.match(/ERROR episode refused and quarantined/g)?.length, EPISODES, 'each is told');
  assert.ok((drained.log.match(/remediation:/g)?.length ?? 0) <= 3 * puts, 'the cure is told once for each answer');

  await receiver.stop();
  writeFileSync(
    fleet.receiverConfig,
    `[listen]\nport = ${fleet.port}\n[store]\nroot = "${fleet.store}"\nmin_free = "1 MiB"\n[version_gate]\nenabled = false\n`,
  );
  receiver = await fleet.startReceiver();
  // [shipper] is the last section. That nothing is asked twice was measured above: from here on more at a time is only faster.
  appendFileSync(host.config, 'concurrency = 4\n');
  const shipped = await fleet.shipOnce(host);
  assert.equal(shipped.code, 0, shipped.log.slice(-2_000));
  assert.match(shipped.log, /the gate accepts this code now: refused episodes are back in the queue/);
  assert.deepEqual(namesIn(join(host.data, 'quarantine')), []);
  assert.equal(readRows(fleet.store).length, EPISODES + 1);
});
