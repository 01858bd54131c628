import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { type ShipperState, StateFile } from './state-file.ts';

const STATE: ShipperState = {
  started_at_wall: '2026-05-01T06:37:53.830599+00:00',
  saved_at_wall: '2026-05-01T07:00:00.000000+00:00',
  shipped: 1,
  duplicates: 0,
  quarantined: 0,
  waiting: 2,
  waiting_bytes: 20,
  oldest_finished_at_wall: '2026-05-01T06:00:00.000000+00:00',
  sent_bytes_per_s: 5,
  last: { episode_id: 'e', outcome: 'shipped' },
  last_answer: {
    at_wall: '2026-05-01T06:59:00.000000+00:00',
    episode_id: 'f',
    status: 403,
    code: 'forbidden',
    detail: 'no',
  },
  trouble: {
    kind: 'held',
    code: 'forbidden',
    detail: 'no',
    cure: 'do',
    since_wall: '2026-05-01T06:59:00.000000+00:00',
  },
};

test('is written whole, and only when there is news', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'shipper-state.json');
  const file = new StateFile(path);
  await file.save(STATE);
  assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), STATE);
  rmSync(path);
  await file.save({ ...STATE, saved_at_wall: '2026-05-01T08:00:00.000000+00:00' });
  assert.equal(existsSync(path), false);
  await file.save({ ...STATE, trouble: null });
  assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), { ...STATE, trouble: null });
  assert.deepEqual(readdirSync(directory), ['shipper-state.json']);
});

test('what could not be written is written the next time', async (t) => {
  const directory = join(temporaryDirectory(t), 'gone');
  const file = new StateFile(join(directory, 'shipper-state.json'));
  await assert.rejects(file.save(STATE), { code: 'ENOENT' });
  await assert.rejects(file.save(STATE), { code: 'ENOENT' });
});
