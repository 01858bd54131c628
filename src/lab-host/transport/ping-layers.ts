// `shipper --ping`: the path to the receiver, layer by layer, up to the first that fails, which is named with its cure. Stores nothing anywhere.

import { X509Certificate } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import type { CodeVersion } from '../../protocol/episode-meta.ts';
import { isLoopback } from './address-of.ts';
import type { ReceiverAnswer } from './classify-answer.ts';
import { classifyNetworkError } from './classify-network-error.ts';
import type { CredentialSource } from './credentials.ts';
import { cureForHold } from './hold-cures.ts';
import { ReceiverConnections } from './receiver-connections.ts';

export type LayerOutcome =
  | { status: 'ok'; detail: string }
  /** There is nothing to check here, and `detail` says why. */
  | { status: 'not used'; detail: string }
  | FailedLayer;

export interface FailedLayer {
  status: 'failed';
  code: string;
  detail: string;
  cure: string;
}

export type LayerReport = { layer: string } & (LayerOutcome | { status: 'not reached' });

/** What the layers look at. */
export interface PingPath {
  url: URL;
  hostId: string;
  /** For a name, a connection, a handshake, an answer: each by itself. */
  timeoutMs: number;
  credentials: CredentialSource;
  clock: Clock;
  /** VERSION of this installation. */
  codeVersion: CodeVersion | undefined;
  ask(method: 'GET' | 'POST', path: string): Promise<ReceiverAnswer>;
  /** POST /v1/ping, once, for the layers that look at its answer. */
  ping(): Promise<PingExchange>;
}

export interface PingExchange {
  answer: ReceiverAnswer;
  /** This machine's clock as it began. */
  atWall: string;
  roundTripMs: number;
}

export type Layer = (path: PingPath) => Promise<LayerOutcome>;

export type PingPathOptions = Omit<PingPath, 'url' | 'ask' | 'ping'> & { receiverUrl: string };

export function pingPath({ receiverUrl, ...given }: PingPathOptions): PingPath & { close(): void } {
  const { credentials, timeoutMs, clock } = given;
  const limits = { connectTimeoutMs: timeoutMs, idleTimeoutMs: timeoutMs };
  const connections = new ReceiverConnections({ receiverUrl, credentials, ...limits, concurrency: 1 });
  let exchanged: Promise<PingExchange> | undefined;
  const ask: PingPath['ask'] = (method, path) => connections.ask(method, path);
  const exchangeOnce = async (): Promise<PingExchange> => {
    const atWall = clock.wallTime();
    const beganAtMs = clock.monotonicMs();
    const answer = await ask('POST', '/v1/ping');
    return { answer, atWall, roundTripMs: clock.monotonicMs() - beganAtMs };
  };
  const ping = () => {
    exchanged ??= exchangeOnce();
    return exchanged;
  };
  return { url: new URL(receiverUrl), ...given, ask, ping, close: () => connections.close() };
}

export async function runLayers(
  layers: ReadonlyArray<readonly [name: string, layer: Layer]>,
  path: PingPath,
): Promise<LayerReport[]> {
  const reports: LayerReport[] = [];
  let hasFailed = false;
  for (const [name, layer] of layers) {
    if (hasFailed) {
      reports.push({ layer: name, status: 'not reached' });
      continue;
    }
    const outcome = await layer(path).catch(failureOf);
    hasFailed = outcome.status === 'failed';
    reports.push({ layer: name, ...outcome });
  }
  return reports;
}

export function failed(code: string, detail: string, cure = cureForHold(code)): FailedLayer {
  return { status: 'failed', code, detail, cure };
}

/** What kept a layer from its answer. */
export function failureOf(error: unknown): FailedLayer {
  const { code, detail } = classifyNetworkError(error);
  return failed(code, detail);
}

/** The configuration has been read; what it points at must be usable, too. */
export const configurationLayer: Layer = async ({ url, hostId, credentials }) => {
  const { bearerToken, tls } = credentials.current();
  const certificate = tls.cert === undefined ? undefined : new X509Certificate(tls.cert);
  const shown = [
    bearerToken === undefined ? '' : 'a token',
    certificate ? `a certificate for ${certificate.subject.replaceAll('\n', ', ')} until ${certificate.validTo}` : '',
  ].filter((text) => text !== '');
  if (url.protocol === 'http:' && certificate)
    return failed('certificate-unused', `there is a client certificate, and ${url.origin} is without TLS`);
  if (url.protocol === 'http:' && bearerToken !== undefined && !isLoopback(url))
    shown.push('which goes over the network in the clear');
  return { status: 'ok', detail: `${hostId} to ${url.origin} with ${shown.join(', ') || 'no credential'}` };
};
