// SIGHUP: the configuration is read again, with its tokens and certificates. A bad one is told, and the old one stays in force.

import type { Server } from 'node:http';
import { Server as TlsServer } from 'node:tls';
import { AppError, messageOf } from '../lib/app-error.ts';
import type { Logger } from '../lib/logger.ts';
import type { FleetView } from './fleet/fleet-view.ts';
import { isLoopbackAddress } from './identity/loopback.ts';
import type { Room } from './ingest/room.ts';
import { createLiveParts, type LiveParts, type LivePartsOptions } from './live-parts.ts';
import { hasCredential, type ReceiverConfig } from './receiver-config.ts';

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

/** Resolves when the new configuration is in force, or has been told to be unusable. `started`: what the process was built on. */
export async function reload(
  load: () => Promise<ReceiverConfig>,
  started: ReceiverConfig,
  options: Omit<LivePartsOptions, 'config'>,
  { server, live, room, fleet }: ReloadTargets,
): Promise<void> {
  const { logger } = options;
  try {
    const config = await load();
    refuseToOpen(config, started);
    const { parts, tls } = createLiveParts({ ...options, config });
    const gateBefore = live.gate;
    // Nothing below may fail: what was made above is in force, or nothing is.
    if (tls && server instanceof TlsServer) server.setSecureContext(tls);
    Object.assign(live, parts);
    room.keepFree(config.store.min_free);
    fleet.expect(config.fleet.expected_hosts);
    await gateBefore.close();
    tellFixed(started, config, logger);
    logger.info('configuration, tokens and certificates read again');
  } catch (error) {
    const cure = error instanceof AppError ? error.hint : undefined;
    logger.error({ reason: messageOf(error), cure }, 'the new configuration is not usable; the old one stays in force');
  }
}

/** The certificate files have changed, and the configuration has not been told to. */
export function takeOverCertificates({ server, live }: Pick<ReloadTargets, 'server' | 'live'>, logger: Logger): void {
  try {
    const { authenticator, tls } = live.readCertificatesAgain();
    if (tls && server instanceof TlsServer) server.setSecureContext(tls);
    live.authenticator = authenticator;
    logger.info('the certificate authority has changed: certificates read again');
  } catch (error) {
    const cure = error instanceof AppError ? error.hint : undefined;
    logger.error(
      { reason: messageOf(error), cure },
      'the changed certificates are not usable; the old ones stay in force',
    );
  }
}

/** The new file may name loopback; the socket is still the old one's. */
function refuseToOpen(config: ReceiverConfig, { listen: { host } }: ReceiverConfig): void {
  if (hasCredential(config) || isLoopbackAddress(host)) return;
  throw new AppError(
    'bad-config',
    `it has no credential, and others reach ${host}, which is listened on until a restart`,
    {
      hint: 'keep a credential, or restart the receiver: systemctl restart cis490-receiver',
    },
  );
}

function tellFixed(started: ReceiverConfig, after: ReceiverConfig, logger: Logger): void {
  for (const [what, of] of FIXED) {
    if (of(started) !== of(after)) logger.warn({ what }, 'this change takes effect at the next restart');
  }
}
