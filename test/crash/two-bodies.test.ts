import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { sha256 } from '../support/episodes.ts';
import { GOOD_COMMIT, TestFleet } from '../support/fleet.ts';
import { namesIn, readRows } from '../support/nothing-lost.ts';
import { eventually } from '../support/program.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

for (const [name, bodies, statuses] of [
  ['two contents', [randomBytes(2_000_000), randomBytes(2_000_000)], [201, 409]],
  ['one content twice', Array(2).fill(randomBytes(2_000_000)), [200, 201]],
] as const) {
  test(`${name} under one id at the same moment: the first stands, with one row`, async (t) => {
    const fleet = await TestFleet.create(temporaryDirectory(t));
    const receiver = await fleet.startReceiver();
    t.after(() => receiver.kill());
    const puts = bodies.map((body: Buffer) => {
      const headers = { 'X-Content-SHA256': sha256(body), 'X-Cis490-Code-Commit': GOOD_COMMIT };
      const path = '/v1/episodes/lab-1/ep.tar.zst';
      const outgoing = request({ host: '127.0.0.1', port: fleet.port, method: 'PUT', path, headers, agent: false });
      const status = new Promise<number>((resolve, reject) => {
        outgoing.on('error', reject);
        outgoing.on('response', (response) => resolve(response.resume().statusCode ?? 0));
      });
      outgoing.write(body.subarray(0, 1_500_000));
      return { finish: () => outgoing.end(body.subarray(1_500_000)), status };
    });
    // Both were checked, and neither is stored: only link(2) and the ledger stand between them now.
    await eventually(() => namesIn(join(fleet.store, 'incoming')).length === 2, 'two bodies are under way');
    for (const { finish } of puts) finish();
    assert.deepEqual((await Promise.all(puts.map(({ status }) => status))).sort(), statuses);
    await receiver.stop();
    const rows = readRows(fleet.store);
    assert.equal(rows.length, 1);
    assert.equal(sha256(readFileSync(join(fleet.store, 'episodes/lab-1/ep.tar.zst'))), rows[0]?.sha256);
    assert.deepEqual(namesIn(join(fleet.store, 'incoming')), []);
  });
}
