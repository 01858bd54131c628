import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { openControl, openStorage, openStorageForReading } from './open-storage.ts';
import { STATE_VERSION } from './sqlite/state-database.ts';
import { OtherProcess, recordingLogger, SILENT, temporaryDirectory } from './storage.fixture.ts';

const AT = '2026-05-01T07:00:00.000000+00:00';
const ATTEMPT = { hostId: 'h1', minute: '2026-05-01T07:00', outcome: 'stored', count: 2 };
const HEARTBEAT = { hostId: 'h1', machine: 'm1', bootId: 'b1', receivedAtWall: AT, body: { held: null } };
const RETIRED = { hostId: 'h9', retiredAt: AT, by: 'ada', reason: 'sold' };
const ALL = { fromMinute: '2026-05-01T00:00', toMinute: '2026-05-02T00:00' };

async function readAll(root: string) {
  const { attempts, hostState, retiredHosts } = openStorageForReading(root);
  const reports = await Array.fromAsync(hostState.listReports());
  return {
    attempts: await attempts.read(ALL),
    heartbeats: await hostState.listHeartbeats(),
    reports: reports.map(({ hostId, content }) => `${hostId} ${Buffer.from(content)}`),
    retired: await retiredHosts(),
  };
}

const EXPECTED = {
  attempts: [ATTEMPT],
  heartbeats: [{ ...HEARTBEAT, firstReceivedAtWall: AT }],
  reports: ['h1 {"a":1}'],
  retired: [RETIRED],
};

async function fill(root: string) {
  const storage = await openStorage({ root, logger: SILENT });
  await storage.attempts.add([ATTEMPT]);
  await storage.hostState.putHeartbeat(HEARTBEAT);
  await storage.hostState.putReport('h1', Buffer.from('{"a":1}'));
  await storage.control.retireHost(RETIRED);
  return storage;
}

function filesIn(root: string): string[] {
  return readdirSync(root, { recursive: true }).map(String).sort();
}

test('beside a running receiver, and after it has ended: the same is read, nothing is made', async (t) => {
  const root = temporaryDirectory(t);
  const storage = await fill(root);
  for (const close of [undefined, () => storage.close()]) {
    await close?.();
    const before = filesIn(root);
    assert.deepEqual(await readAll(root), EXPECTED);
    assert.deepEqual(filesIn(root), before);
  }
});

test('what a receiver that was killed has counted is read, and the next one finds all of it', async (t) => {
  const root = temporaryDirectory(t);
  const receiver = new OtherProcess(
    t,
    `import { pino } from 'pino';
     import { openStorage } from './open-storage.ts';
     const storage = (globalThis.storage = await openStorage({ root: ${JSON.stringify(root)}, logger: pino({ level: 'silent' }) }));
     await storage.attempts.add([${JSON.stringify(ATTEMPT)}]);
     await storage.hostState.putHeartbeat(${JSON.stringify(HEARTBEAT)});
     await storage.control.retireHost(${JSON.stringify(RETIRED)});
     process.stdin.resume();
     console.log('filled');`,
  );
  assert.equal(await receiver.nextLine(), 'filled');
  assert.deepEqual(await readAll(root), { ...EXPECTED, reports: [] });
  await receiver.kill();
  assert.deepEqual(await readAll(root), { ...EXPECTED, reports: [] });
  const storage = await openStorage({ root, logger: SILENT });
  assert.deepEqual(await storage.attempts.read(ALL), [ATTEMPT]);
  await storage.close();
});

test('a receiver goes on writing between the looks and is seen by the next', async (t) => {
  const root = temporaryDirectory(t);
  const storage = await fill(root);
  t.after(() => storage.close());
  const reading = openStorageForReading(root);
  for (let count = 3; count < 8; count += 1) {
    await storage.attempts.add([{ ...ATTEMPT, count: 1 }]);
    assert.deepEqual(await reading.attempts.read(ALL), [{ ...ATTEMPT, count }]);
  }
});

test('before the first decision nobody is retired, and without a report there is none', async (t) => {
  const root = temporaryDirectory(t);
  const { hostState, retiredHosts } = openStorageForReading(root);
  assert.deepEqual(await retiredHosts(), []);
  assert.deepEqual(await Array.fromAsync(hostState.listReports()), []);
  assert.deepEqual(filesIn(root), []);
  (await openControl(root)).close();
  assert.deepEqual(await retiredHosts(), []);
});

test('control.db of a release that could retire nobody has retired nobody', async (t) => {
  const root = temporaryDirectory(t);
  makeDatabase(join(root, 'control.db'), 'CREATE TABLE revoked_tokens (id TEXT); PRAGMA user_version = 1');
  assert.deepEqual(await openStorageForReading(root).retiredHosts(), []);
});

test('reports that are none are left out, and told where somebody listens', async (t) => {
  const root = temporaryDirectory(t);
  mkdirSync(join(root, 'host-health'));
  writeFileSync(join(root, 'host-health', 'h1.json'), 'no JSON');
  writeFileSync(join(root, 'host-health', 'h2.json'), '{}');
  const { logger, records } = recordingLogger();
  for (const hostState of [openStorageForReading(root, logger).hostState, openStorageForReading(root).hostState]) {
    assert.deepEqual(
      (await Array.fromAsync(hostState.listReports())).map(({ hostId }) => hostId),
      ['h2'],
    );
  }
  assert.equal(records.length, 1);
});

const RESTART = /^sudo systemctl restart cis490-receiver$/;
const UNREADABLE: [string, (path: string) => void, RegExp, RegExp][] = [
  ['missing', () => undefined, /is missing/, RESTART],
  [
    'of an earlier release',
    (path) => makeDatabase(path, 'PRAGMA user_version = 3'),
    new RegExp(`schema 3, known here ${STATE_VERSION}`),
    RESTART,
  ],
  ['of a later release', (path) => makeDatabase(path, 'PRAGMA user_version = 99'), /schema 99/, RESTART],
  [
    'of a stranger',
    (path) => makeDatabase(path, `PRAGMA user_version = ${STATE_VERSION}`),
    /no such table/,
    /sudo rm .*state\.db\*/,
  ],
  ['no database', (path) => writeFileSync(path, 'x'.repeat(9000)), /not a database/, /sudo rm .*state\.db\*/],
  ['a directory', (path) => mkdirSync(path), /cannot be read/, /ls -l/],
];

for (const [what, make, message, hint] of UNREADABLE) {
  test(`state.db that is ${what}: cannot-read, with the command that cures it; nothing is made or set aside`, async (t) => {
    const root = temporaryDirectory(t);
    make(join(root, 'state.db'));
    const before = filesIn(root);
    const { attempts, hostState } = openStorageForReading(root);
    for (const read of [() => attempts.read(ALL), () => hostState.listHeartbeats()]) {
      await assert.rejects(read, { code: 'cannot-read', message, hint });
    }
    assert.deepEqual(filesIn(root), before);
  });
}

test('a store whose state.db was deleted beside a copy of its log is missing it', async (t) => {
  const root = temporaryDirectory(t);
  await (await fill(root)).close();
  rmSync(join(root, 'state.db'));
  await assert.rejects(openStorageForReading(root).attempts.read(ALL), { code: 'cannot-read', message: /is missing/ });
});

for (const [what, sql, hint] of [
  ['of a later release', 'PRAGMA user_version = 99', /the release that wrote it/],
  ['damaged', 'PRAGMA user_version = 2', /from its last backup/],
] as const) {
  test(`control.db that is ${what}: cannot-read`, async (t) => {
    const root = temporaryDirectory(t);
    makeDatabase(join(root, 'control.db'), sql);
    await assert.rejects(openStorageForReading(root).retiredHosts(), { code: 'cannot-read', hint });
  });
}

test('a ledger to be followed must be there', async (t: TestContext) => {
  const { ledger } = openStorageForReading(temporaryDirectory(t));
  await assert.rejects(ledger.follow(undefined), { code: 'cannot-read', hint: /index\.jsonl/ });
});

function makeDatabase(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}
