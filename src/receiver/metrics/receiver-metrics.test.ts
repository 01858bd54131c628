import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { systemClock as clock } from '../../lib/clock.ts';
import { loadConfig } from '../../lib/config/load-config.ts';
import { createLogger } from '../../lib/logger.ts';
import { openStorage } from '../../storage/open-storage.ts';
import { AlertBoard } from '../alerts/alert-board.ts';
import { AttemptCounter } from '../attempts/attempt-counter.ts';
import { LiveAuthority } from '../certificates/live-authority.ts';
import { FleetView } from '../fleet/fleet-view.ts';
import { Room } from '../ingest/room.ts';
import { receiverConfigDefinition } from '../receiver-config.ts';
import { UnfinishedUploads } from '../uploads/unfinished-uploads.ts';
import { createOpenGate } from '../version-gate/version-gate.ts';
import { type PageSources, ReceiverMetrics } from './receiver-metrics.ts';

async function start(t: TestContext) {
  const root = temporaryDirectory(t);
  writeFileSync(join(root, 'receiver.toml'), '[store]\nroot = "store"\n[version_gate]\nenabled = false\n');
  const { config } = loadConfig(receiverConfigDefinition, join(root, 'receiver.toml'));
  const lines: string[] = [];
  const logger = createLogger({ level: 'warn', form: 'plain', clock, write: (line) => lines.push(line) });
  const backupStamp = join(root, 'backup-stamp');
  const metrics = new ReceiverMetrics({ version: null, connectionLimit: 8, backupStamp, clock, logger });
  const storage = await openStorage({ root: config.store.root, logger, watchSync: metrics.watchSync });
  const fleet = new FleetView({ ledger: storage.ledger, hostState: storage.hostState, clock, logger });
  const stop = new AbortController();
  const following = fleet.run(stop.signal);
  t.after(async () => {
    stop.abort();
    await following;
    await storage.close();
  });
  const sources: PageSources = {
    ...storage,
    fleet,
    attemptCounter: new AttemptCounter(storage.attempts, clock, logger),
    alertBoard: new AlertBoard({ ...storage, clock }),
    authority: new LiveAuthority({ storeRoot: config.store.root, clock, logger }),
    gate: createOpenGate(),
    listen: config.listen,
    room: new Room(() => storage.blobs.freeBytes(), 1),
    unfinished: new UnfinishedUploads(clock, () => config.uploads),
    stateThresholds: config.fleet.monitor,
    clock,
  };
  return { metrics, sources, fleet, lines, backupStamp };
}

const heartbeatOf = (hostId: string, body: object) => {
  return { hostId, machine: 'm', bootId: 'b', receivedAtWall: clock.wallTime(), body: { ...body } };
};

const seriesOf = (page: string, name: string) =>
  page.split('\n').filter((line) => new RegExp(`^${name}\\b`).test(line));

test("a host's own words become one label, whatever they are; what is not of the known form is not told", async (t) => {
  const { metrics, sources, fleet } = await start(t);
  const code = `x"} 1\ncis490_evil 1 \\ \u001b[31m\u202e${'y'.repeat(100)}`;
  fleet.heartbeat(heartbeatOf('lab-1', { held: { count: 3, code }, backlog: { episodes: 'many', bytes: 7 } }));
  const page = await metrics.page(sources);
  assert.deepEqual(seriesOf(page, 'cis490_evil'), []);
  assert.deepEqual(seriesOf(page, 'cis490_host_held_episodes'), [
    `cis490_host_held_episodes{host="lab-1",code="x\\"} 1 cis490_evil 1 \\\\ ?[31m?${'y'.repeat(35)}…"} 3`,
  ]);
  assert.deepEqual(seriesOf(page, 'cis490_host_backlog_episodes'), []);
  assert.deepEqual(seriesOf(page, 'cis490_host_backlog_bytes'), ['cis490_host_backlog_bytes{host="lab-1"} 7']);
});

test('what a host no longer says has no series any more', async (t) => {
  const { metrics, sources, fleet } = await start(t);
  fleet.heartbeat(heartbeatOf('lab-1', { held: { count: 3, code: 'forbidden' } }));
  assert.equal(seriesOf(await metrics.page(sources), 'cis490_host_held_episodes').length, 1);
  fleet.heartbeat(heartbeatOf('lab-1', { held: null }));
  assert.deepEqual(seriesOf(await metrics.page(sources), 'cis490_host_held_episodes'), []);
});

test('a part that cannot be read is missing, says so, and is told once; the rest is there', async (t) => {
  const { metrics, sources, lines } = await start(t);
  const well = await metrics.page(sources);
  assert.deepEqual(seriesOf(well, 'cis490_gate_enabled'), ['cis490_gate_enabled 0']);
  const gate = { ...createOpenGate(), status: () => Promise.reject(new Error('control.db is busy')) };
  for (const _again of [1, 2]) {
    const page = await metrics.page({ ...sources, gate });
    assert.deepEqual(seriesOf(page, 'cis490_gate_enabled'), []);
    assert.ok(page.includes('cis490_collector_success{collector="gate"} 0\n'));
    assert.ok(page.includes('cis490_collector_success{collector="disk"} 1\n'));
    assert.equal(seriesOf(page, 'cis490_store_free_bytes').length, 1);
  }
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /WARNING a part of the metrics cannot be read.*collector=gate/);
  assert.ok((await metrics.page(sources)).includes('cis490_collector_success{collector="gate"} 1\n'));
});

test('a backup that was never made is told as of 1970, and then as of its end', async (t) => {
  const { metrics, sources, backupStamp } = await start(t);
  const name = 'cis490_backup_last_success_timestamp_seconds';
  assert.deepEqual(seriesOf(await metrics.page(sources), name), [`${name} 0`]);
  writeFileSync(backupStamp, '');
  const [line = ''] = seriesOf(await metrics.page(sources), name);
  assert.ok(Math.abs(Number(line.split(' ')[1]) - Date.now() / 1000) < 3_600, line);
});

test('what becomes of a PUT is counted by outcome, and of hosts that count by host', async (t) => {
  const { metrics, sources, fleet } = await start(t);
  fleet.heard('lab-1');
  const stored = metrics.puts.begin();
  stored.received(10);
  stored.received(30);
  assert.ok((await metrics.page(sources)).includes('cis490_puts_in_progress 1\n'));
  stored.answered('stored', 'lab-1');
  metrics.puts.begin().answered('credential-missing', undefined);
  metrics.puts.begin().cutOff();
  const page = await metrics.page(sources);
  for (const line of [
    'cis490_puts_in_progress 0',
    'cis490_puts_cut_off_total 1',
    'cis490_put_received_bytes_total{outcome="stored"} 30',
    'cis490_put_duration_seconds_count{outcome="credential-missing"} 1',
    'cis490_host_puts_total{host="lab-1",outcome="stored"} 1',
  ]) {
    assert.ok(page.includes(`${line}\n`), line);
  }
  assert.equal(seriesOf(page, 'cis490_host_puts_total').length, 1);
});
