// The row `views`: how long the dashboard's first page and /v1/fleet take to come, of many hosts over a large ledger.

import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { Agent, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { bigLedgerHost } from '../test/support/big-ledger.ts';
import { startReceiver } from './peers/cis490.ts';
import { plantFleet } from './plant-fleet.ts';
import type { Run } from './run-workload.ts';
import { formatLimit, type RowResult } from './table.ts';

const P99_LIMIT_MS = 50;
const LOOK_EVERY_MS = 250;
// What has changed within half a second of a fleet of a thousand that store once a minute each.
const CHANGED_HOSTS = 8;

export interface ViewsSize {
  rows: number;
  hosts: number;
  /** Of each view in each round. */
  requests: number;
}

export const VIEWS_SIZE: ViewsSize = { rows: 10_000_000, hosts: 1_000, requests: 300 };
export const QUICK_VIEWS_SIZE: ViewsSize = { rows: 2_000, hosts: 20, requests: 5 };

export async function measureViews(run: Run, { rows, hosts, requests }: ViewsSize): Promise<RowResult> {
  const directory = join(run.directory, 'views');
  await mkdir(join(directory, 'store'), { recursive: true });
  run.progress(`views: writing a ledger of ${rows} rows\n`);
  await plantFleet(join(directory, 'store'), { rows, hosts });
  const receiver = await startReceiver(directory);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    const ask = (path: string) => get(agent, receiver.port, path);
    run.progress('views: the receiver reads it\n');
    while ((await ask('/v1/fleet')).status !== 200) {
      run.stop.throwIfAborted();
      await delay(LOOK_EVERY_MS);
    }
    const changed = Array.from({ length: CHANGED_HOSTS }, (_, index) => `host=${bigLedgerHost(index)}`).join('&');
    const views = [
      { title: 'the dashboard’s first page', path: '/' },
      { title: `its rows of ${CHANGED_HOSTS} hosts that changed`, path: `/live/hosts?${changed}` },
      { title: '`/v1/fleet`', path: '/v1/fleet' },
    ];
    const lines: string[][] = [];
    for (const { title, path } of views) {
      if (run.warmUp) await p99Ms(run, requests, () => ask(path));
      const p99s: number[] = [];
      for (let round = 1; round <= run.rounds; round += 1) p99s.push(await p99Ms(run, requests, () => ask(path)));
      const { sizeBytes } = await ask(path);
      run.progress(
        `views: ${path.split('?')[0]} p99 ${p99s.map((ms) => ms.toFixed(1)).join(', ')} ms, ${sizeBytes} bytes\n`,
      );
      const of = `${rows >= 1e6 ? `${rows / 1e6} M` : rows} rows of ${hosts} hosts`;
      lines.push(formatLimit(`${title}, ${of}: p99, ${Math.round(sizeBytes / 1024)} KiB`, p99s, P99_LIMIT_MS, 'ms', 1));
    }
    return { lines, missing: [] };
  } finally {
    agent.destroy();
    await receiver.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Of requests that are made one after the other, from the first byte sent to the last received. */
async function p99Ms({ stop }: Run, requests: number, ask: () => Promise<{ status: number }>): Promise<number> {
  const tookMs: number[] = [];
  for (let count = 0; count < requests; count += 1) {
    stop.throwIfAborted();
    const beganMs = performance.now();
    const { status } = await ask();
    tookMs.push(performance.now() - beganMs);
    if (status !== 200) throw new Error(`a view was answered ${status}`);
  }
  tookMs.sort((one, other) => one - other);
  return tookMs[Math.ceil(0.99 * requests) - 1] ?? Number.NaN;
}

/** As a browser asks; `sizeBytes` as they come over the wire. */
async function get(agent: Agent, port: number, path: string): Promise<{ status: number; sizeBytes: number }> {
  const headers = { 'Accept-Encoding': 'gzip' };
  const [answer] = (await once(request({ agent, host: '127.0.0.1', port, path, headers }).end(), 'response')) as [
    IncomingMessage,
  ];
  let sizeBytes = 0;
  for await (const piece of answer) sizeBytes += (piece as Buffer).length;
  return { status: answer.statusCode ?? 0, sizeBytes };
}
