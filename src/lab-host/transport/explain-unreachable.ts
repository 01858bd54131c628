// Why a request had no answer, for a person: on which layer of the way it fails, and what cures that.

import { AppError } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import { fixedCredentials } from './credentials.ts';
import type { EstTrust } from './est-client.ts';
import { failureOf, pingPath, runLayers } from './ping-layers.ts';
import { PING_LAYERS } from './receiver-path.ts';

export interface LookAtPath {
  url: string;
  hostId: string;
  trust: EstTrust;
  timeoutMs: number;
  clock: Clock;
}

/** As `shipper --ping` names the layers; no credential is shown to anybody. An error that says it already is passed on. */
export async function explainUnreachable(error: unknown, look: LookAtPath): Promise<AppError> {
  if (error instanceof AppError && !['idle-timeout', 'connect-timeout'].includes(error.code)) return error;
  const { url: receiverUrl, trust, ...rest } = look;
  const credentials = fixedCredentials(
    undefined,
    trust === 'nobody yet' || trust.ca === undefined ? {} : { ca: trust.ca },
  );
  const path = pingPath({ receiverUrl, credentials, codeVersion: undefined, ...rest });
  // Who trusts nobody yet has nothing to hold a certificate against.
  const last = trust === 'nobody yet' ? 'full-size packet' : 'tls';
  try {
    const layers = PING_LAYERS.slice(0, PING_LAYERS.findIndex(([name]) => name === last) + 1);
    const failed = (await runLayers(layers, path)).find((report) => report.status === 'failed');
    const found = failed ?? { layer: 'request', ...failureOf(error) };
    const message = `${receiverUrl} does not answer (${found.layer}): ${found.detail}`;
    return new AppError(found.code, message, { hint: found.cure, retryable: true, cause: error });
  } finally {
    path.close();
  }
}
