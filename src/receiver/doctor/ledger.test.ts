import assert from 'node:assert/strict';
import { appendFileSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import { ledgerCheck } from './checks/ledger.ts';
import { episodePath, NOW, receiverBench } from './doctor.fixture.ts';

test('an empty store, and one without a ledger', async (t) => {
  const bench = receiverBench(t);
  assert.equal((await ledgerCheck.run(bench)).status, 'green');
  rmSync(bench.ledgerPath);
  const { status, summary } = await ledgerCheck.run(bench);
  assert.deepEqual([status, summary], ['red', `there is no ${bench.ledgerPath}: put it back from the last backup`]);
});

test('rows and files that agree; nothing is made or changed', async (t) => {
  const bench = receiverBench(t, { episodes: 120 });
  const look = () => readdirSync(bench.store).map((name) => [name, statSync(`${bench.store}/${name}`).mtimeMs]);
  const before = look();
  const { status, summary } = await ledgerCheck.run(bench);
  assert.deepEqual([status, summary], ['green', '120 rows; 100 that were looked at have their file']);
  assert.deepEqual(look(), before);
});

test('one of the last whose file is missing or of another size', async (t) => {
  const bench = receiverBench(t, { episodes: 60 });
  rmSync(episodePath(bench.store, 59));
  writeFileSync(episodePath(bench.store, 58), 'cut');
  const { status, summary, cure } = await ledgerCheck.run(bench);
  assert.equal(status, 'red');
  assert.equal(
    summary,
    'lab-1/e-58 has 3 bytes, its row 13; the file of lab-1/e-59 is not there, of 60 rows that were looked at',
  );
  assert.match(cure ?? '', /^sudo cis490 index verify --config \S+receiver\.toml$/);
});

test('of the older ones those that chance has chosen', async (t) => {
  const bench = receiverBench(t, { episodes: 300 });
  rmSync(episodePath(bench.store, 100));
  const chooses = (value: number) => ({ ...bench, random: () => value });
  // Always the first place: the last row that passed by stands there, and rows 1 to 49 beside it.
  assert.equal((await ledgerCheck.run(chooses(0))).status, 'green');
  rmSync(episodePath(bench.store, 249));
  assert.match((await ledgerCheck.run(chooses(0))).summary, /^the file of lab-1\/e-249 is not there/);
  // Never a place among the fifty: the first fifty stay.
  assert.equal((await ledgerCheck.run(chooses(0.999_999))).status, 'green');
});

test('a retracted episode needs no file', async (t) => {
  const bench = receiverBench(t, { episodes: 3 });
  rmSync(episodePath(bench.store, 1));
  const tombstone = { host_id: 'lab-1', episode_id: 'e-1', retracted_at_wall: NOW, reason: 'r', by: 'b', seq: 4 };
  appendFileSync(bench.ledgerPath, `${JSON.stringify(tombstone)}\n`);
  const { status, summary } = await ledgerCheck.run(bench);
  assert.deepEqual([status, summary], ['green', '3 rows; 2 that were looked at have their file']);
});

test('a bad line is told with its number, and keeps nobody from the rows behind it', async (t) => {
  const bench = receiverBench(t, { episodes: 2 });
  const [first, second] = readFileSync(bench.ledgerPath, 'utf8').split('\n');
  writeFileSync(bench.ledgerPath, `${first}\nnot a row\n${second}\n`);
  const found = await ledgerCheck.run(bench);
  assert.equal(found.status, 'yellow');
  assert.match(found.summary, /^1 line of \S+ are neither a row nor a tombstone, the first is 2$/);
  assert.match(found.cure ?? '', /^sed -n 2p /);
  rmSync(episodePath(bench.store, 1));
  assert.equal((await ledgerCheck.run(bench)).status, 'red');
});

test('a row whose ids are none is not followed out of the store', async (t) => {
  const bench = receiverBench(t, { episodes: 1 });
  const evil = readFileSync(bench.ledgerPath, 'utf8').replace('"e-0"', '"../../../x"').replace('"seq":1', '"seq":2');
  appendFileSync(bench.ledgerPath, evil);
  const { status, summary } = await ledgerCheck.run(bench);
  assert.deepEqual([status, summary.slice(0, 30)], ['red', 'seq 2 has a host_id or episode']);
});

test('a torn last line is told, one that is being written is not', async (t) => {
  const state = { ledgerPath: '', grows: false };
  const clock = {
    ...systemClock,
    wallTime: () => NOW,
    sleep: async () => {
      if (state.grows) appendFileSync(state.ledgerPath, 'lab-1"');
    },
  };
  const bench = receiverBench(t, { episodes: 2, clock });
  state.ledgerPath = bench.ledgerPath;
  appendFileSync(bench.ledgerPath, '{"host_id":');
  const torn = await ledgerCheck.run(bench);
  assert.deepEqual([torn.status, torn.cure], ['yellow', 'sudo systemctl restart cis490-receiver']);
  assert.match(torn.summary, /is torn/);
  state.grows = true;
  assert.equal((await ledgerCheck.run(bench)).status, 'green');
});
