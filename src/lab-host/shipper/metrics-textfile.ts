// The shipper's metrics as a file for node_exporter's textfile collector: each 15 s, and soon after a change that somebody waits for. A
// failure is told once and stops nothing.

import { existsSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { removeFile } from '../../lib/remove-file.ts';
import { shellWord } from '../../lib/shell-word.ts';
import type { DataLayout } from '../data-layout.ts';
import { freeBytesOf } from '../free-bytes.ts';
import { readInstalledVersion } from '../installed-version.ts';
import type { CredentialSource } from '../transport/credentials.ts';
import type { ShipperMetrics, ShipperNow } from './metrics.ts';
import type { ShipperStatus } from './shipper-status.ts';

const LOOK_EVERY_MS = 1_000;
const WRITE_EVERY_MS = 15_000;
// node_exporter runs as a user of its own, and the umask of the unit would keep it out.
const MODE = 0o644;

export interface MetricsFileOptions {
  /** Asked anew each time: a reload may change it. Undefined: nothing is written. */
  path: () => string | undefined;
  metrics: ShipperMetrics;
  status: ShipperStatus;
  layout: DataLayout;
  credentials: CredentialSource;
  installRoot: string;
  clock: Clock;
  logger: Logger;
  /** Then it is written once more. */
  ended: AbortSignal;
}

/** Resolves when `ended` aborts; never rejects. */
export async function keepMetricsFile(options: MetricsFileOptions): Promise<void> {
  const { clock, logger, ended, metrics } = options;
  let writtenAtMs = Number.NEGATIVE_INFINITY;
  let written: string | undefined;
  let isFailing = false;
  for (let isLast = false; !isLast; ) {
    await clock.sleep(LOOK_EVERY_MS, ended);
    isLast = ended.aborted;
    const path = options.path();
    if (path === undefined) continue;
    const state = `${path} ${stateOf(options)}`;
    const isDue = isLast || state !== written || clock.monotonicMs() - writtenAtMs >= WRITE_EVERY_MS;
    if (!isDue) continue;
    writtenAtMs = clock.monotonicMs();
    written = state;
    try {
      await replaceFile(path, await metrics.text(await look(options)));
      if (isFailing) logger.info({ path }, 'the metrics file is written again');
      isFailing = false;
    } catch (error) {
      const cure = `let the shipper's user write to its directory, and its unit (docs/metrics.md): ls -ld ${shellWord(join(path, '..'))}`;
      if (!isFailing)
        logger.warn(
          { path, reason: messageOf(error), cure },
          'the metrics file could not be written; it is tried again',
        );
      isFailing = true;
    }
  }
}

/** What is told soon, and not only with the next writing. */
function stateOf({ status, layout }: MetricsFileOptions): string {
  const { trouble, quarantined, waiting } = status.now();
  return JSON.stringify([trouble?.kind, trouble?.code, quarantined, waiting > 0, existsSync(layout.backpressureFile)]);
}

async function look({ status, layout, credentials, installRoot }: MetricsFileOptions): Promise<ShipperNow> {
  return {
    queue: await status.snapshot(layout.quarantine),
    trouble: status.now().trouble,
    freeBytes: await freeBytesOf(layout.root).catch(() => null),
    hasBackpressure: existsSync(layout.backpressureFile),
    certificate: certificateOf(credentials),
    version: await readInstalledVersion(installRoot),
  };
}

/** Credentials that cannot be used are told where they are needed. */
function certificateOf(credentials: CredentialSource): string | undefined {
  try {
    return credentials.current().tls.cert;
  } catch {
    return undefined;
  }
}

/** By rename, so that no reader sees a part of it. No fsync: what a power cut takes is written anew within seconds of the next start. */
async function replaceFile(path: string, text: string): Promise<void> {
  // One shipper at a time has the data directory; the collector takes only what ends in .prom.
  const temporaryPath = `${path}.tmp`;
  try {
    const handle = await open(temporaryPath, 'w', MODE);
    try {
      await handle.chmod(MODE);
      await handle.writeFile(text);
    } finally {
      await handle.close();
    }
    await rename(temporaryPath, path);
  } catch (error) {
    await removeFile(temporaryPath).catch(() => undefined);
    throw error;
  }
}
