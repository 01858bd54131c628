// A receiver in this process whose monitor has found what a test says, and a way to ask it as a reader or an admin.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Answer, put, send } from '../../../../test/support/put.ts';
import { temporaryDirectory } from '../../../../test/support/temporary-directory.ts';
import { formatWallTime, systemClock } from '../../../lib/clock.ts';
import { loadConfig } from '../../../lib/config/load-config.ts';
import { parsePlainLogLine } from '../../../lib/log-line.ts';
import { createLogger } from '../../../lib/logger.ts';
import type { AlertOfRun, MonitorState } from '../../../storage/monitor-state.ts';
import { openMonitorState } from '../../../storage/open-storage.ts';
import { runReceiver } from '../../app.ts';
import { createToken } from '../../identity/manage-tokens.ts';
import { receiverConfigDefinition } from '../../receiver-config.ts';

export const LONG_AGO = formatWallTime(Temporal.Now.instant().subtract({ hours: 3 }));

export interface AlertsReceiver {
  port: number;
  monitorState: MonitorState;
  get: (who: Who, path: string) => Promise<Answer>;
  /** As a form of a page sends it. */
  post: (who: Who, path: string, fields: Record<string, string>) => Promise<Answer>;
  putEpisode: (hostId: string, episodeId: string, commit: string) => Promise<Answer>;
}
type Who = 'reader' | 'admin';

export async function startReceiver(t: TestContext, ...alerts: AlertOfRun[]): Promise<AlertsReceiver> {
  const root = temporaryDirectory(t);
  const configPath = join(root, 'receiver.toml');
  writeFileSync(
    configPath,
    '[listen]\nport = 0\n[store]\nroot = "store"\nmin_free = "0 B"\n[version_gate]\nenabled = false\n[auth]\ntokens_file = "tokens.json"\n',
  );
  const { config } = loadConfig(receiverConfigDefinition, configPath);
  const tokens = new Map<Who, string>();
  for (const role of ['reader', 'admin'] as const) {
    const output = { write: (text: string) => tokens.set(role, text.trim()), tell: () => undefined };
    await createToken({ role }, { config, clock: systemClock, output });
  }
  const { promise: listening, resolve } = Promise.withResolvers<number>();
  const write = (line: string) => {
    const read = parsePlainLogLine(line.trimEnd());
    if (read?.message === 'receiver is listening') resolve(Number(new URL(read.fields['url'] ?? '').port));
  };
  const stop = new AbortController();
  const logger = createLogger({ level: 'info', form: 'plain', clock: systemClock, write });
  const ended = runReceiver({ config, version: null, stop: stop.signal, logger, clock: systemClock });
  const port = await listening;
  const monitorState = await openMonitorState(join(root, 'store', 'monitor.db'));
  t.after(async () => {
    await monitorState.close();
    stop.abort();
    await ended;
  });
  const ranAt = systemClock.wallTime();
  await monitorState.applyRun({ alerts, notifications: [], memory: '', ranAt, forgetResolvedBefore: '' });
  const ask = (who: Who, method: string, path: string, more: Record<string, string>, body?: string) =>
    send(port, path, {
      method,
      headers: { Authorization: `Bearer ${tokens.get(who)}`, ...more },
      ...(body !== undefined && { body }),
    });
  return {
    port,
    monitorState,
    putEpisode: (hostId, episodeId, commit) =>
      put(port, `/v1/episodes/${hostId}/${episodeId}.tar.zst`, 'some bytes', {
        Authorization: `Bearer ${tokens.get('admin')}`,
        'X-Cis490-Code-Commit': commit,
      }),
    get: (who, path) => ask(who, 'GET', path, {}),
    post: (who, path, fields) => {
      const type = { 'Content-Type': 'application/x-www-form-urlencoded' };
      return ask(who, 'POST', path, type, new URLSearchParams(fields).toString());
    },
  };
}

export function alertOfRun(id: string, host: string, more: Partial<AlertOfRun> = {}): AlertOfRun {
  return {
    id,
    host,
    symptom: 'silent',
    severity: 'critical',
    detail: 'nothing stored for 40 min',
    suggestedFix: `ssh ${host} cis490 shipper --ping`,
    state: 'firing',
    firstAt: LONG_AGO,
    lastAt: LONG_AGO,
    resolvedAt: null,
    goodRuns: 0,
    suppressedBy: null,
    silencedBy: null,
    notifiedAt: null,
    ...more,
  };
}
