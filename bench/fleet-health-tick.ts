// The row `tick`: a run of fleet-health over a large ledger, the first, which reads all of it, and later ones, which read what is new.

import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeBigLedger } from '../test/support/big-ledger.ts';
import { PROJECT_ROOT } from '../test/support/program.ts';
import { measureCommand, type Usage } from './measure-command.ts';
import type { Run } from './run-workload.ts';
import { formatLimit, type Measured, type RowResult, resultOf } from './table.ts';

const HOSTS = 1_000;
const NEW_ROWS = 300;
const LATER_LIMIT_S = 0.15;
// One row a second: the last is of the moment that the runs take as now.
const LAST_AT = '2026-11-22T12:00:00.000000+00:00';
const SCAN = join(import.meta.dirname, 'peers/full_scan.py');

export const TICK_ROWS = [1_000_000, 10_000_000];
export const QUICK_TICK_ROWS = [20_000];

export async function measureTick(run: Run, sizes: readonly number[]): Promise<RowResult> {
  const results: RowResult[] = [];
  for (const rows of sizes) results.push(await measureSize(run, rows));
  return { lines: results.flatMap(({ lines }) => lines), missing: results.flatMap(({ missing }) => missing) };
}

async function measureSize(run: Run, rows: number): Promise<RowResult> {
  const directory = join(run.directory, `tick-${rows}`);
  mkdirSync(directory);
  try {
    const ledger = join(directory, 'index.jsonl');
    run.progress(`tick: writing a ledger of ${rows} rows\n`);
    await writeBigLedger({ path: ledger, rows, hosts: HOSTS, lastAtMs: Date.parse(LAST_AT) });
    return await measureLedger(run, { directory, ledger, rows });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measureLedger(
  run: Run,
  { directory, ledger, rows }: { directory: string; ledger: string; rows: number },
): Promise<RowResult> {
  const hasPython = spawnSync('python3', ['--version']).status === 0;
  const first: number[] = [];
  const peaks: number[] = [];
  const beyondStart: number[] = [];
  const scan: number[] = [];
  let lastSeq = rows;
  let lastAtMs = Date.parse(LAST_AT);
  for (let round = 1; round <= run.rounds; round += 1) {
    const place = join(directory, `round-${round}`);
    const empty = join(directory, `empty-${round}`);
    for (const path of [place, empty]) mkdirSync(path);
    writeFileSync(join(empty, 'index.jsonl'), '');
    const tick = (index: string, alerts: string): Promise<Usage> =>
      measureCommand(join(PROJECT_ROOT, 'bin/cis490'), tickArguments(index, alerts, lastAtMs), {
        directory,
        stop: run.stop,
      });
    const whole = await tick(ledger, join(place, 'alerts.jsonl'));
    first.push(whole.seconds);
    peaks.push(whole.peakMiB);
    if (hasPython) {
      const at = new Date(lastAtMs).toISOString().replace('Z', '+00:00');
      scan.push((await measureCommand('python3', [SCAN, ledger, at], { directory, stop: run.stop })).seconds);
    }
    await writeBigLedger({
      path: ledger,
      rows: NEW_ROWS,
      hosts: HOSTS,
      lastAtMs: lastAtMs + NEW_ROWS * 1000,
      firstSeq: lastSeq + 1,
    });
    lastSeq += NEW_ROWS;
    lastAtMs += NEW_ROWS * 1000;
    const start = await tick(join(empty, 'index.jsonl'), join(empty, 'alerts.jsonl'));
    const later = await tick(ledger, join(place, 'alerts.jsonl'));
    beyondStart.push(Math.max(0, later.seconds - start.seconds));
    run.progress(
      `tick ${rows}: first ${whole.seconds.toFixed(1)} s, ${whole.peakMiB.toFixed(0)} MiB; later ${later.seconds.toFixed(2)} s, start ${start.seconds.toFixed(2)} s\n`,
    );
  }
  const millions = rows >= 1e6 ? `${rows / 1e6} M` : `${rows / 1e3} k`;
  const measured: Measured = hasPython
    ? { kind: 'figures', name: 'full scan in Python', figures: scan }
    : { kind: 'missing', name: 'full scan in Python', install: 'apt-get install python3' };
  const title = `first run of fleet-health, ${millions} rows, ${HOSTS} hosts`;
  const whole = resultOf({ title, unit: 's', digits: 1, ours: first, peers: [{ measured, target: { atMost: 0.5 } }] });
  const later = formatLimit(
    `a later run, ${NEW_ROWS} new rows, beyond the start of the program`,
    beyondStart,
    LATER_LIMIT_S,
    's',
    2,
  );
  const memory = formatLimit('peak memory of the first run', peaks, undefined, 'MiB');
  return { lines: [...whole.lines, later, memory], missing: whole.missing };
}

/** Without a configuration, so that the ledger alone is measured; an empty journal stands for attempts. */
function tickArguments(index: string, alerts: string, nowMs: number): string[] {
  const journal = ['--attempts', 'journal', '--journal-file', '/dev/null'];
  return [
    'fleet-health',
    '--index-path',
    index,
    '--alerts-path',
    alerts,
    ...journal,
    '--now',
    new Date(nowMs).toISOString(),
  ];
}
