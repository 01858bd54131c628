// A receiver to look at: a real configuration and a real store with some episodes, and stand-ins for what the system would say.

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { sha256 } from '../../../test/support/episodes.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { loadConfig } from '../../lib/config/load-config.ts';
import { createLogger } from '../../lib/logger.ts';
import { receiverConfigDefinition } from '../receiver-config.ts';
import { createReceiverContext, type ReceiverContext, type ReceiverDoctorOptions } from './receiver-context.ts';

const GIB = 1024 ** 3;
export const NOW = '2026-05-01T12:00:00.000000+00:00';
export const HEALTHY_DISK = { device: 1, freeBytes: 500 * GIB, totalBytes: 1_000 * GIB, inodesLeft: 0.9 };

export interface SickReceiver {
  /** More TOML, after `[store] root`. */
  toml?: string;
  episodes?: number;
  /** Name → the body of a shell script. */
  programs?: Record<string, string>;
  clock?: Clock;
}

export interface ReceiverBench extends ReceiverContext {
  options: ReceiverDoctorOptions;
  store: string;
  ledgerPath: string;
}

/** Episodes are `lab-1/e-0`, `lab-1/e-1`, …, with as many bytes as `contentOf` gives them. */
export function receiverBench(t: TestContext, receiver: SickReceiver = {}): ReceiverBench {
  const root = temporaryDirectory(t);
  const store = join(root, 'store');
  const gate = (receiver.toml ?? '').includes('[version_gate]') ? '' : '[version_gate]\nenabled = false\n';
  mkdirSync(join(store, 'episodes', 'lab-1'), { recursive: true });
  const lines = Array.from({ length: receiver.episodes ?? 0 }, (_, index) => storeEpisode(store, index));
  const ledgerPath = join(store, 'index.jsonl');
  writeFileSync(ledgerPath, lines.join(''));
  const configPath = join(root, 'receiver.toml');
  writeFileSync(configPath, `[store]\nroot = "store"\n${receiver.toml ?? ''}\n${gate}`);
  const clock = receiver.clock ?? { ...systemClock, wallTime: () => NOW };
  const options = {
    configPath,
    installRoot: root,
    environment: {
      ...process.env,
      PATH: `${standIns(root, { systemctl: 'exit 1', ...receiver.programs })}:${process.env['PATH']}`,
    },
    clock,
    logger: createLogger({ level: 'error', form: 'plain', clock, write: () => undefined }),
  };
  const context = createReceiverContext(options, loadConfig(receiverConfigDefinition, configPath));
  return { ...context, lookAtDisk: async () => HEALTHY_DISK, options, store, ledgerPath };
}

export function episodePath(store: string, index: number): string {
  return join(store, 'episodes', 'lab-1', `e-${index}.tar.zst`);
}

function storeEpisode(store: string, index: number): string {
  const content = `content of ${index}`;
  writeFileSync(episodePath(store, index), content);
  const row = {
    host_id: 'lab-1',
    episode_id: `e-${index}`,
    received_at_wall: NOW,
    sha256: sha256(content),
    bytes: content.length,
    path: `episodes/lab-1/e-${index}.tar.zst`,
    schema_version: null,
    seq: index + 1,
  };
  return `${JSON.stringify(row)}\n`;
}

function standIns(root: string, programs: Record<string, string>): string {
  const directory = join(root, 'programs');
  mkdirSync(directory);
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(directory, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(directory, name), 0o755);
  }
  return directory;
}
