// SIGHUP: the configuration is read again, with its tokens and certificates. A bad one is told, and the old one stays in force.

import type { Server } from 'node:http';
import { type SecureContextOptions, Server as TlsServer } from 'node:tls';
import { AppError, messageOf } from '../lib/app-error.ts';
import type { Logger } from '../lib/logger.ts';
import type { FleetView } from './fleet/fleet-view.ts';
import type { Room } from './ingest/room.ts';
import { createLiveParts, type LiveParts, type LivePartsOptions } from './live-parts.ts';
import type { ReceiverConfig } from './receiver-config.ts';

export interface ReloadTargets {
  server: Server;
  /** The parts of it that a reload replaces are replaced in place. */
  live: LiveParts;
  room: Room;
  fleet: FleetView;
}

// What the process was built on: it takes a restart.
const FIXED: readonly [what: string, of: (config: ReceiverConfig) => unknown][] = [
  ['[listen] host', ({ listen }) => listen.host],
  ['[listen] port', ({ listen }) => listen.port],
  ['[store] root', ({ store }) => store.root],
  ['[listen.tls] in place of HTTP, or HTTP in place of it', ({ listen }) => listen.tls?.cert_file !== undefined],
];

/** Returns the configuration that is in force afterwards. */
export async function reload(
  load: () => Promise<ReceiverConfig>,
  before: ReceiverConfig,
  options: Omit<LivePartsOptions, 'config'>,
  { server, live, room, fleet }: ReloadTargets,
): Promise<ReceiverConfig> {
  const { logger } = options;
  try {
    const config = await load();
    const { parts, tls } = createLiveParts({ ...options, config });
    const gateBefore = live.gate;
    if (tls && server instanceof TlsServer) setCertificates(server, tls);
    Object.assign(live, parts);
    room.keepFree(config.store.min_free);
    fleet.expect(config.fleet.expected_hosts);
    await gateBefore.close();
    tellFixed(before, config, logger);
    logger.info('configuration, tokens and certificates read again');
    return config;
  } catch (error) {
    const cure = error instanceof AppError ? error.hint : undefined;
    logger.error({ reason: messageOf(error), cure }, 'the new configuration is not usable; the old one stays in force');
    return before;
  }
}

function setCertificates(server: TlsServer, tls: SecureContextOptions): void {
  server.setSecureContext(tls);
}

function tellFixed(before: ReceiverConfig, after: ReceiverConfig, logger: Logger): void {
  for (const [what, of] of FIXED) {
    if (of(before) !== of(after)) logger.warn({ what }, 'this change takes effect at the next restart');
  }
}
