// Whether this host has a certificate that the receiver takes: then no token is needed, however often bootstrap runs.

import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { CERT_FILE, identityLayout, KEY_FILE } from '../identity-layout.ts';
import { CredentialFiles } from '../transport/credentials.ts';
import { explainUnreachable, type LookAtPath } from '../transport/explain-unreachable.ts';
import { ReceiverConnections } from '../transport/receiver-connections.ts';

export interface AskOfCertificate {
  identityRoot: string;
  receiverUrl: string;
  connectTimeoutMs: number;
  idleTimeoutMs: number;
  clock: Clock;
  logger: Logger;
  stop: AbortSignal;
  /** For when it does not answer. */
  look: Omit<LookAtPath, 'trust'>;
}

/** False when the receiver says no: it was revoked, or is of another receiver. Throws what keeps it from being asked. */
export async function isTaken(options: AskOfCertificate): Promise<boolean> {
  const { identityRoot, receiverUrl, connectTimeoutMs, idleTimeoutMs, clock, logger, stop, look } = options;
  const { current, authorities } = identityLayout(identityRoot);
  const tls = { ca_file: authorities, cert_file: join(current, CERT_FILE), key_file: join(current, KEY_FILE) };
  const credentials = new CredentialFiles({ bearerToken: undefined, tls, clock, logger });
  const limits = { connectTimeoutMs, idleTimeoutMs, clock };
  const connections = new ReceiverConnections({ receiverUrl, credentials, concurrency: 1, ...limits });
  try {
    const { status } = await connections.ask('POST', '/v1/ping', { stop });
    // Anything else is not about the certificate: the first report tells it.
    return status !== 401 && status !== 403;
  } catch (error) {
    const { ca } = credentials.current().tls;
    throw await explainUnreachable(error, { ...look, trust: { ca } });
  } finally {
    connections.close();
  }
}
