// silent, fatal-only and unstamped against a plain reading of everything, straight from the words of the table: whatever happens to the
// ledger, the clock and the attempts between the runs, each run finds the same hosts, with the same keys.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeDirectory } from '../../test/support/temporary-directory.ts';
import { formatWallTime, systemClock } from '../lib/clock.ts';
import { createLogger } from '../lib/logger.ts';
import type { AttemptCount } from '../storage/attempts.ts';
import { openLedgerForReading } from '../storage/open-storage.ts';
import { tallyCounts, tallyJournal } from './attempt-tallies.ts';
import { detect } from './detect/detect.ts';
import { alertRowOf } from './emit-alerts.ts';
import { readJournal } from './journal/read-journal.ts';
import { observe } from './observe.ts';
import { NOW_MS, THRESHOLDS } from './observed.fixture.ts';
import { type RunSources, readCounts } from './open-sources.ts';
import { formatRunMemory, parseRunMemory } from './run-memory.ts';

const MIN_US = 60_000_000n;
const HOUR_US = 60n * MIN_US;
const YEAR_US = 365n * 24n * HOUR_US;
const START_US = BigInt(NOW_MS) * 1000n;
const FIRST_THREE = ['silent', 'fatal-only', 'unstamped'];
const logger = createLogger({ level: 'error', form: 'plain', clock: systemClock, write: () => undefined });

// ---------------------------------------------------------------------------------------------------------------- the words of the table

function keyOf(host: string, symptom: string, nowUs: bigint): string {
  const hour = wallOf(nowUs).slice(0, 13);
  return `${host} ${symptom} ${createHash('sha256').update(`${host}|${symptom}|${hour}`).digest('hex').slice(0, 16)}`;
}

const isHost = (host: unknown): host is string =>
  typeof host === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(host);

function timeOf(text: unknown): bigint | undefined {
  for (const form of [text, `${text}Z`]) {
    try {
      return Temporal.Instant.from(String(form)).epochNanoseconds / 1000n;
    } catch {
      // The other form.
    }
  }
  return undefined;
}

function silentIn(ledger: string, nowUs: bigint): string[] {
  const last = new Map<string, bigint>();
  for (const line of ledger.slice(0, ledger.lastIndexOf('\n') + 1).split('\n')) {
    const row = parse(line);
    const at = typeof row?.['received_at_wall'] === 'string' ? timeOf(row['received_at_wall']) : undefined;
    const host = row?.['host_id'];
    if (!isHost(host) || at === undefined || at > nowUs) continue;
    const before = last.get(host);
    if (before === undefined || at > before) last.set(host, at);
  }
  return [...last]
    .filter(([, at]) => nowUs - at <= 24n * HOUR_US && nowUs - at > 30n * MIN_US)
    .map(([host]) => keyOf(host, 'silent', nowUs));
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line) ?? undefined;
  } catch {
    return undefined;
  }
}

interface Tried {
  host: string;
  status: number;
  unstamped: boolean;
}

function refusedIn(tried: readonly Tried[], nowUs: bigint): string[] {
  return [...Map.groupBy(tried, ({ host }) => host)].flatMap(([host, ofHost]) => {
    const good = ofHost.filter(({ status }) => status >= 200 && status < 300).length;
    const bad = ofHost.filter(({ status }) => status >= 400 && status < 600).length;
    const all = good + bad;
    const isFatal = all >= 10 && good === 0 && bad / all >= 0.95;
    const isUnstamped = ofHost.filter(({ unstamped }) => unstamped).length >= 10;
    return [
      ...(isFatal ? [keyOf(host, 'fatal-only', nowUs)] : []),
      ...(isUnstamped ? [keyOf(host, 'unstamped', nowUs)] : []),
    ];
  });
}

// ------------------------------------------------------------------------------------------------------------------------- the real thing

function wallOf(us: bigint): string {
  return formatWallTime(Temporal.Instant.fromEpochNanoseconds(us * 1000n));
}

async function runAt(nowUs: bigint, sources: Partial<RunSources>, memory: string | undefined) {
  const {
    observed,
    failed,
    memory: next,
  } = await observe({
    sources: {
      ledger: openLedgerForReading('/nonexistent'),
      attempts: async () => new Map(),
      hostState: undefined,
      retiredHosts: async () => [],
      gate: async () => undefined,
      receiver: undefined,
      ...sources,
    },
    remembered: parseRunMemory(memory),
    nowMs: Number(nowUs) / 1000,
    thresholds: THRESHOLDS,
    expectedHosts: [],
    updateCommands: { git: ['true'], release: ['true'] },
    logger,
  });
  const found = detect(observed)
    .findings.filter(({ symptom }) => FIRST_THREE.includes(symptom))
    .map((finding) => alertRowOf(finding, wallOf(nowUs)))
    .map(({ host, symptom, dedup_key }) => `${host} ${symptom} ${dedup_key}`);
  return { found: found.sort(), failed: failed.map(({ source }) => source), memory: formatRunMemory(next) };
}

const host = fc.constantFrom('lab-1', 'lab-2', 'lab-3', 'LAB.4_x');
const anyHost = fc.oneof(
  { weight: 9, arbitrary: host },
  { weight: 1, arbitrary: fc.constantFrom('.lab', '', 'a/b', 'h'.repeat(65)) },
);

// ------------------------------------------------------------------------------------------------------------------------------ the ledger

/** How long before now; the limits and what lies beside them come often. */
const ago = fc.oneof(
  fc.constantFrom(30n * MIN_US, 30n * MIN_US + 1n, 24n * HOUR_US, 24n * HOUR_US + 1n, 0n, -1n, -5n * MIN_US, -YEAR_US),
  fc.bigInt({ min: -2n * HOUR_US, max: 26n * HOUR_US }),
);
const FORMS: Array<(us: bigint) => string> = [
  wallOf,
  (us) => wallOf(us).replace('+00:00', 'Z'),
  (us) => wallOf(us).replace('+00:00', ''),
  (us) => wallOf(us).replace(/\.\d+\+00:00$/, '+00:00'),
  (us) => wallOf(us).replace('+00:00', '789Z'),
  (us) => wallOf(us + 2n * HOUR_US).replace('+00:00', '+02:00'),
  () => 'soon',
  () => '2026-02-30T00:00:00Z',
];
const rowLine = fc
  .record({
    host: anyHost,
    ago,
    form: fc.nat(FORMS.length - 1),
    commit: fc.option(fc.constant('c'.repeat(40))),
    isPlain: fc.boolean(),
  })
  .map(({ host: host_id, ago: agoUs, form, commit, isPlain }) => (nowUs: bigint) => {
    const received_at_wall = (isPlain ? wallOf : FORMS[form])?.(nowUs - agoUs);
    const row = {
      host_id,
      episode_id: 'e',
      received_at_wall,
      sha256: '0'.repeat(64),
      bytes: 1,
      path: 'p',
      schema_version: null,
    };
    return JSON.stringify(commit === null ? row : { ...row, commit, gate: { head: null, source: 'git' } });
  });
const otherLine = fc.constantFrom(
  '',
  '{',
  'null',
  '[]',
  '7',
  '\u0000\ufffd',
  '{"host_id":3,"received_at_wall":"2026-05-01T11:00:00Z"}',
  '{"host_id":"lab-1","received_at_wall":1777633200}',
  '{"host_id":"lab-1","episode_id":"e","retracted_at_wall":"2026-05-01T11:00:00.000000+00:00","reason":"r","by":"b"}',
);
const line = fc.oneof({ weight: 4, arbitrary: rowLine }, { weight: 1, arbitrary: otherLine.map((text) => () => text) });

type Change =
  | { does: 'append' | 'replace'; lines: Array<(nowUs: bigint) => string> }
  | { does: 'tear' | 'cut'; part: number }
  | { does: 'rewrite' | 'nothing' };
const part = fc.double({ min: 0, max: 0.99, noNaN: true });
const lines = fc.array(line, { maxLength: 4 });
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ does: fc.constant('append' as const), lines }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('replace' as const), lines }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constantFrom('tear' as const, 'cut' as const), part }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constantFrom('rewrite' as const, 'nothing' as const) }) },
);
const clockStep = fc.oneof(
  fc.constantFrom(5n * MIN_US, 0n, HOUR_US, -10n * MIN_US, -HOUR_US, YEAR_US, -YEAR_US, 1n, -1n),
  fc.bigInt({ min: -HOUR_US, max: 3n * HOUR_US }),
);

function apply(path: string, change: Change, nowUs: bigint): void {
  const text = (wanted: Array<(nowUs: bigint) => string>) => wanted.map((line) => `${line(nowUs)}\n`).join('');
  if (change.does === 'append') appendFileSync(path, text(change.lines));
  if (change.does === 'replace') {
    writeFileSync(`${path}.new`, text(change.lines));
    renameSync(`${path}.new`, path);
  }
  if (change.does === 'tear') {
    const row = JSON.stringify({ host_id: 'lab-1', received_at_wall: wallOf(nowUs) });
    appendFileSync(path, row.slice(0, Math.floor(change.part * row.length)));
  }
  const now = readFileSync(path, 'utf8');
  if (change.does === 'cut') truncateSync(path, Math.floor(change.part * Buffer.byteLength(now)));
  if (change.does === 'rewrite')
    writeFileSync(
      path,
      now.replaceAll(/lab-[12]/g, (name) => (name === 'lab-1' ? 'lab-2' : 'lab-1')),
    );
}

test('silent: any ledger, changed in any way, at any time', async () => {
  const path = join(makeDirectory(), 'index.jsonl');
  const runs = fc.array(fc.record({ changes: fc.array(change, { maxLength: 3 }), step: clockStep }), {
    minLength: 1,
    maxLength: 5,
  });
  await fc.assert(
    fc.asyncProperty(runs, async (sequence) => {
      writeFileSync(`${path}.new`, '');
      renameSync(`${path}.new`, path);
      let memory: string | undefined;
      let nowUs = START_US;
      for (const { changes, step } of sequence) {
        nowUs += step;
        for (const each of changes) apply(path, each, nowUs);
        const run = await runAt(nowUs, { ledger: openLedgerForReading(path) }, memory);
        assert.deepEqual(run.failed, []);
        assert.deepEqual(run.found, silentIn(readFileSync(path, 'utf8'), nowUs).sort());
        memory = run.memory;
      }
    }),
    { numRuns: 1_000 },
  );
});

// ---------------------------------------------------------------------------------------------------------------------------- the attempts

const OUTCOMES: Record<string, number> = {
  stored: 201,
  duplicate: 200,
  'commit-missing': 400,
  'credential-invalid': 401,
  'commit-not-in-window': 412,
  'gate-stale': 503,
  'disk-full': 507,
};
const ledger = openLedgerForReading(join(makeDirectory(), 'none.jsonl'));
const outcome = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom('stored', 'duplicate') },
  { weight: 9, arbitrary: fc.constantFrom(...Object.keys(OUTCOMES).slice(2)) },
);

test('fatal-only and unstamped from the receiver’s counts', async () => {
  const count = fc.record({
    host,
    outcome,
    minutesAgo: fc.integer({ min: -3, max: 34 }),
    count: fc.integer({ min: 1, max: 11 }),
  });
  const nowUsAt = fc.bigInt({ min: START_US, max: START_US + HOUR_US });
  await fc.assert(
    fc.asyncProperty(nowUsAt, fc.array(count, { maxLength: 12 }), async (nowUs, wanted) => {
      const thisMinute = nowUs / MIN_US;
      const counts: AttemptCount[] = wanted.map(({ host: hostId, outcome, minutesAgo, count }) => ({
        hostId,
        outcome,
        count,
        minute: wallOf((thisMinute - BigInt(minutesAgo)) * MIN_US).slice(0, 16),
      }));
      const within = wanted.filter(({ minutesAgo }) => minutesAgo >= 0 && minutesAgo <= 30);
      const tried = within.flatMap(({ host, outcome, count }) =>
        Array.from({ length: count }, () => ({
          host,
          status: OUTCOMES[outcome] ?? 0,
          unstamped: outcome === 'commit-missing',
        })),
      );
      const reader = {
        read: async ({ fromMinute, toMinute }: { fromMinute: string; toMinute: string }) =>
          counts.filter(({ minute }) => minute >= fromMinute && minute <= toMinute),
      };
      const attempts = async (nowMs: number, windowMin: number) =>
        tallyCounts(await readCounts(reader, nowMs, windowMin));
      const { found } = await runAt(nowUs, { ledger, attempts }, undefined);
      assert.deepEqual(found, refusedIn(tried, nowUs).sort());
    }),
    { numRuns: 1_000 },
  );
});

test('fatal-only and unstamped from a journal', async () => {
  const path = join(makeDirectory(), 'journal');
  const status = fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(400, 401, 412, 500, 507) },
    { weight: 1, arbitrary: fc.constantFrom(200, 201, 100, 302) },
  );
  const access = fc.record({ host: anyHost, status, isOurs: fc.boolean() }).map(({ host, status, isOurs }) => ({
    text: `${isOurs ? '10.0.0.1' : 'INFO:     10.0.0.1:5'} - "PUT /v1/episodes/${host}/e.tar.zst HTTP/1.1" ${status}${isOurs ? '' : ' Why'}`,
    tried: { host, status, unstamped: false },
  }));
  const rejected = fc.record({ host: anyHost, unstamped: fc.boolean() }).map(({ host, unstamped }) => ({
    text: `WARNING rejected episode host=${host} episode=e code=${unstamped ? 'commit-missing missing X-Cis490-Code-Commit' : 'conflict'} request_id=1`,
    tried: { host, status: 0, unstamped },
  }));
  const noise = fc
    .oneof(fc.string({ unit: 'binary' }), fc.constant('"GET /v1/fleet HTTP/1.1" 412'))
    .map((text) => ({ text, tried: undefined }));
  const repeated = fc.tuple(
    fc.oneof({ weight: 4, arbitrary: access }, { weight: 3, arbitrary: rejected }, { weight: 1, arbitrary: noise }),
    fc.integer({ min: 1, max: 11 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(repeated, { maxLength: 10 }), fc.boolean(), async (wanted, hasEnd) => {
      const all = wanted.flatMap(([each, times]) => Array.from({ length: times }, () => each));
      writeFileSync(path, all.map(({ text }) => text).join('\n') + (hasEnd ? '\n' : ''));
      const tried = all.flatMap(({ tried }) => (tried && isHost(tried.host) ? [tried] : []));
      const attempts = async () => await tallyJournal(readJournal({ kind: 'file', path }));
      const { found } = await runAt(START_US, { ledger, attempts }, undefined);
      assert.deepEqual(found, refusedIn(tried, START_US).sort());
    }),
    { numRuns: 1_000 },
  );
});
