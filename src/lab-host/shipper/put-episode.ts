// What the shipper says to the receiver: one episode's PUT, or a small request, with the credentials that hold now.

import type { OutgoingHttpHeaders } from 'node:http';
import type { AfterStep } from '../../lib/after-step.ts';
import type { Clock } from '../../lib/clock.ts';
import { HEADER } from '../../protocol/headers.ts';
import { episodeTarget } from '../../protocol/ids.ts';
import type { ReceiverAnswer } from '../transport/classify-answer.ts';
import { type CredentialSource, fixedToken } from '../transport/credentials.ts';
import { type AskOptions, ReceiverConnections, type RequestPlan } from '../transport/receiver-connections.ts';
import type { BandwidthLimit } from './bandwidth-limit.ts';
import { EpisodeBody } from './episode-body.ts';
import type { PackedEpisode } from './pack-episode.ts';
import type { ShipperStep } from './shipper-step.ts';

// Larger bodies ask for leave first: a refusal then costs no transfer.
const EXPECT_ABOVE_BYTES = 1024 * 1024;

export interface Transport {
  put(hostId: string, episode: PackedEpisode, stop: AbortSignal): Promise<ReceiverAnswer>;
  /** A small request that never waits behind an episode; the answer whatever its status. */
  ask(method: RequestPlan['method'], path: string, options?: AskOptions): Promise<ReceiverAnswer>;
  close(): void;
}

export interface TransportOptions {
  receiverUrl: string;
  /** A token that never changes, for want of `credentials`. */
  bearerToken?: string | undefined;
  credentials?: CredentialSource | undefined;
  connectTimeoutMs: number;
  idleTimeoutMs: number;
  concurrency: number;
  bandwidthLimit?: BandwidthLimit | undefined;
  clock?: Clock;
  afterStep: AfterStep<ShipperStep>;
  /** Bytes of a body as they leave, for progress; 0 when none could leave and earlier ones arrived. */
  onSent: (bytes: number) => void;
}

export function createTransport(options: TransportOptions): Transport {
  const { bandwidthLimit, afterStep, onSent } = options;
  const credentials = options.credentials ?? fixedToken(options.bearerToken);
  const connections = new ReceiverConnections({ ...options, credentials });
  return {
    async put(hostId, episode, stop) {
      const body = new EpisodeBody(episode, { bandwidthLimit, afterStep, onSent });
      const path = episodeTarget(hostId, episode.episodeId);
      const plan: RequestPlan = { method: 'PUT', path, headers: headersOf(episode), body, stop };
      const answer = await connections.request(plan, 'episodes');
      afterStep('answer-received');
      return answer;
    },
    ask: (method, path, more) => connections.ask(method, path, more),
    close: () => connections.close(),
  };
}

function headersOf({ sha256, sizeBytes, stamp }: PackedEpisode): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {
    'Content-Type': 'application/zstd',
    'Content-Length': String(sizeBytes),
    [HEADER.sha256]: sha256,
  };
  if (stamp.commit) headers[HEADER.commit] = stamp.commit;
  if (stamp.dirty) headers[HEADER.dirty] = '1';
  if (stamp.schemaVersion) headers[HEADER.schemaVersion] = stamp.schemaVersion;
  if (sizeBytes > EXPECT_ABOVE_BYTES) headers['Expect'] = '100-continue';
  return headers;
}
