// A thousand ticks of the monitor over a healthy fleet, three and a half days at five minutes each: whatever it tells is a false alarm.

import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { runFleetHealth } from '../../src/fleet-health/app.ts';
import { THRESHOLDS } from '../../src/fleet-health/observed.fixture.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { HealthyFleet, RHYTHMS, TICK_MIN, WINDOW } from './healthy-fleet.ts';

const START_MS = Date.parse('2026-03-27T22:00:00Z');

export interface HealthyRun {
  ticks: number;
  /** `2026-05-01T12:00 lab-1 silent: …` */
  falseAlarms: string[];
  /** The same of the ticks after that, in which one host stays away. */
  afterwards: string[];
}

/** `missing` stays away for the last hour, after the ticks that count: the run can see. */
export async function runHealthyTicks(root: string, ticks: number, missing: string): Promise<HealthyRun> {
  const logger = createLogger({
    level: 'error',
    form: 'plain',
    clock: systemClock,
    write: (line) => void process.stderr.write(line),
  });
  const fleet = await HealthyFleet.create(root, START_MS, logger);
  const receiver = createServer((_request, response) => response.end('{"ok":true}')).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  const alertsPath = join(root, 'alerts.jsonl');
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const tick = async (minute: number) => {
    await runFleetHealth({
      indexPath: join(root, 'index.jsonl'),
      alertsPath,
      thresholds: THRESHOLDS,
      attempts: { from: 'log', unit: 'none', journalFile: undefined },
      expectedHosts: Object.keys(RHYTHMS),
      receiver: { url, storeRoot: root, minFreeBytes: 1, gate: { window: WINDOW, commits: fleet.commitsAt(minute) } },
      updateCommands: { git: ['true'], release: ['true'] },
      nowWall: fleet.wallAt(minute),
      dryRun: false,
      json: false,
      telling: { notifiers: [], heartbeatUrl: undefined, recoveryRuns: 2, reminderS: 3600 },
      output,
      logger,
      clock: systemClock,
    });
  };
  try {
    let minute = 0;
    const pass = async (minutes: number, without: readonly string[]) => {
      for (const end = minute + minutes; minute < end; ) {
        await fleet.live(minute, without);
        minute += TICK_MIN;
        await tick(minute);
      }
    };
    await pass(ticks * TICK_MIN, []);
    const falseAlarms = readAlarms(alertsPath);
    await pass(60, [missing]);
    return { ticks, falseAlarms, afterwards: readAlarms(alertsPath).slice(falseAlarms.length) };
  } finally {
    receiver.close();
    await fleet.close();
  }
}

function readAlarms(path: string): string[] {
  if (!existsSync(path)) return [];
  const rows = readFileSync(path, 'utf8').trimEnd().split('\n');
  return rows.map((line) => {
    const { detected_at_wall, host, symptom, detail } = JSON.parse(line);
    return `${detected_at_wall.slice(0, 16)} ${host} ${symptom}: ${detail}`;
  });
}
