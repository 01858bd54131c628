// Builds `shipper --ping` from the configuration, runs it, and prints a line a layer.

import { systemClock } from '../../lib/clock.ts';
import { inertLine } from '../../lib/inert-text.ts';
import type { Logger } from '../../lib/logger.ts';
import { painter, type Style } from '../../lib/terminal-styles.ts';
import { readInstalledVersion } from '../installed-version.ts';
import type { LabHostConfig } from '../lab-host-config.ts';
import { CredentialFiles } from '../transport/credentials.ts';
import { type LayerReport, pingPath, runLayers } from '../transport/ping-layers.ts';
import { PING_LAYERS } from '../transport/receiver-path.ts';

const STYLES: Record<LayerReport['status'], Style> = {
  ok: 'good',
  failed: 'bad',
  'not used': 'dim',
  'not reached': 'dim',
};
const STATUS_WIDTH = 'not reached'.length;
const NAME_WIDTH = Math.max(...PING_LAYERS.map(([name]) => name.length));

export interface PingOptions {
  config: LabHostConfig;
  installRoot: string;
  form: 'json' | 'colours' | 'plain';
  logger: Logger;
  print: (text: string) => void;
}

/** Resolves with the exit code: 0 when every layer works. */
export async function runPing({ config, installRoot, form, logger, print }: PingOptions): Promise<number> {
  const { bearer_token_file: bearerToken, tls, url, connect_timeout_s } = config.receiver;
  const path = pingPath({
    receiverUrl: url,
    hostId: config.host_id,
    timeoutMs: connect_timeout_s * 1000,
    credentials: new CredentialFiles({ bearerToken, tls, clock: systemClock, logger }),
    clock: systemClock,
    codeVersion: await readInstalledVersion(installRoot),
  });
  try {
    const layers = await runLayers(PING_LAYERS, path);
    const failed = layers.find(({ status }) => status === 'failed')?.layer ?? null;
    print(
      form === 'json'
        ? `${JSON.stringify({ ok: failed === null, failed, layers })}\n`
        : layers.map((report) => formatLayer(report, form === 'colours')).join(''),
    );
    return failed === null ? 0 : 1;
  } finally {
    path.close();
  }
}

export function formatLayer(report: LayerReport, hasColours: boolean): string {
  const status = painter(hasColours)(STYLES[report.status], report.status.padEnd(STATUS_WIDTH));
  const start = `${status}  ${report.layer.padEnd(NAME_WIDTH)}`;
  if (report.status === 'not reached') return `${start.trimEnd()}\n`;
  if (report.status !== 'failed') return `${start}  ${inertLine(report.detail)}\n`;
  const cure = report.cure.split('\n').map((line) => `${' '.repeat(STATUS_WIDTH)}  cure: ${inertLine(line)}\n`);
  return `${start}  ${report.code}: ${inertLine(report.detail)}\n${cure.join('')}`;
}
