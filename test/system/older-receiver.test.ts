// Our shipper against a receiver of the older contract: its verdicts by status, and the optional features absent.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { publishEpisode } from '../support/episodes.ts';
import { GOOD_COMMIT, STALE_COMMIT, TestFleet } from '../support/fleet.ts';
import { namesIn } from '../support/nothing-lost.ts';
import { PROJECT_ROOT, Program } from '../support/program.ts';
import { hasSystemPart } from '../support/system-part.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test('shipped, duplicate, conflict and refused, as the older receiver answers them', async (t) => {
  if (!hasSystemPart(t, ['/usr/bin/python3', '-c', 'import starlette, uvicorn'], 'python3-starlette python3-uvicorn'))
    return;
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const host = fleet.addHost('lab-1');
  const script = join(PROJECT_ROOT, 'test/support/older_receiver.py');
  const receiver = Program.command('/usr/bin/python3', [script, String(fleet.port), GOOD_COMMIT]);
  t.after(() => receiver.kill());
  await receiver.printed(/Uvicorn running/);
  const publish = (episodeId: string, commit: string | undefined, data = episodeId) =>
    publishEpisode(host.data, 'lab-1', { episodeId, commit, files: { data } });

  for (const id of ['a', 'b']) publish(id, GOOD_COMMIT);
  assert.equal((await fleet.shipOnce(host)).code, 0);
  assert.deepEqual(namesIn(join(host.data, 'shipped')).sort(), ['a', 'b']);
  const receipt = JSON.parse(readFileSync(join(host.data, 'shipped/a/receipt.json'), 'utf8'));
  assert.equal(receipt.status, 'stored');
  assert.ok(receipt.shipped_at_wall);

  // The same again: its answer was lost, as far as this host knows.
  rmSync(join(host.data, 'shipped/a/receipt.json'));
  renameSync(join(host.data, 'shipped/a'), join(host.data, 'episodes/a'));
  const again = await fleet.shipOnce(host);
  assert.match(again.log, /episode shipped episode=a outcome=duplicate/);

  publish('b', GOOD_COMMIT, 'another content');
  for (const id of ['s1', 's2', 's3']) publish(id, STALE_COMMIT);
  publish('bare', undefined);
  mkdirSync(join(host.data, 'episodes/no-meta'));
  writeFileSync(join(host.data, 'episodes/no-meta/data'), 'x');
  const refused = await fleet.shipOnce(host);
  assert.equal(refused.code, 0, refused.log);
  assert.deepEqual(namesIn(join(host.data, 'quarantine')).sort(), ['b', 'bare', 'no-meta', 's1', 's2', 's3']);
  const codeOf = (id: string) =>
    JSON.parse(readFileSync(join(host.data, 'quarantine', id, 'quarantine_reason.json'), 'utf8')).code;
  assert.deepEqual(['b', 'bare', 's1', 's3'].map(codeOf), ['http-409', 'http-400', 'http-412', 'http-412']);
  assert.doesNotMatch(refused.log, /heartbeat|version-gate/i, 'what it does not have is no trouble');
});
