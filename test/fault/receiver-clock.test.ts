// The receiver's own wall clock starts in 1970 and steps by a year while it works: each episode is stored once, a body that is under way
// is left alone, and the monitor, by the same clock, tells nothing that is not so.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sha256 } from '../support/episodes.ts';
import { canFakeTime, SteppingClock } from '../support/fake-clock.ts';
import { GOOD_COMMIT, TestFleet } from '../support/fleet.ts';
import { readRows } from '../support/nothing-lost.ts';
import { Program } from '../support/program.ts';
import { put } from '../support/put.ts';
import { openRaw } from '../support/raw-request.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const STEPS: [time: string, year: number][] = [
  ['@1970-01-01 00:00:30', 1970],
  ['@2026-05-01 12:10:00', 2026],
  ['@2027-05-01 12:10:00', 2027],
  ['@2025-05-01 12:10:00', 2025],
  ['@2026-05-01 12:20:00', 2026],
];

test('from 1970 to the true time, a year ahead, a year back', async (t) => {
  if (!canFakeTime(t)) return;
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const clock = new SteppingClock(join(fleet.root, 'clock'), STEPS[0]?.[0] ?? '');
  const receiver = Program.cis490(['receiver', '--config', fleet.receiverConfig], clock.environment);
  t.after(() => receiver.kill());
  await receiver.printed(/receiver is listening/);
  const stored: string[] = [];
  const store = async (id: string) => {
    assert.equal((await put(fleet.port, `/v1/episodes/lab-1/${id}.tar.zst`, id)).status, 201, id);
    stored.push(id);
  };
  for (const [index, [time, year]] of STEPS.entries()) {
    const body = `a body that is under way at step ${index}`;
    const socket = await openRaw(fleet.port);
    socket.write(
      `PUT /v1/episodes/lab-1/slow-${index}.tar.zst HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Cis490-Code-Commit: ${GOOD_COMMIT}\r\nX-Content-SHA256: ${sha256(body)}\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 9)}`,
    );
    // Answered on another connection, after it has read that one's beginning.
    await store(`before-${index}`);
    clock.set(time);
    await store(`after-${index}`);
    socket.write(body.slice(9));
    assert.match(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 201/);
    socket.destroy();
    stored.push(`slow-${index}`);
    const last = readRows(fleet.store).find(({ episode_id: id }) => id === `after-${index}`) as object;
    assert.match(String((last as { received_at_wall?: string }).received_at_wall), new RegExp(`^${year}-`));
    const monitor = Program.cis490(['fleet-health', '--config', fleet.receiverConfig], clock.environment);
    assert.equal((await monitor.ended).code, 0, monitor.stderr);
    assert.match(monitor.stderr, /INFO .*no new alerts/, time);
  }
  assert.ok(!existsSync(join(fleet.store, 'alerts.jsonl')), 'no alert at all');
  assert.equal((await receiver.stop()).code, 0);
  const rows = readRows(fleet.store);
  assert.deepEqual(rows.map(({ episode_id: id }) => id).sort(), stored.sort(), 'each once');
  assert.deepEqual(
    rows.map(({ seq }) => seq),
    rows.map((_, index) => index + 1),
  );
});
