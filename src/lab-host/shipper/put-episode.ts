// What the shipper says to the receiver: one episode, whichever way it goes, or a small request, with the credentials that hold now. The
// answer to an episode is a PUT's, or what a PUT would have been answered, with the digest of what was sent: nothing else is a receipt.

import type { OutgoingHttpHeaders } from 'node:http';
import type { AfterStep } from '../../lib/after-step.ts';
import { AppError, messageOf } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { HEADER } from '../../protocol/headers.ts';
import { episodeTarget } from '../../protocol/ids.ts';
import type { ReceiverAnswer } from '../transport/classify-answer.ts';
import { classifyNetworkError } from '../transport/classify-network-error.ts';
import type { CredentialSource } from '../transport/credentials.ts';
import { type AskOptions, ReceiverConnections, type RequestPlan } from '../transport/receiver-connections.ts';
import type { BandwidthLimit } from './bandwidth-limit.ts';
import { EpisodeBody } from './episode-body.ts';
import { askGate } from './gate-query.ts';
import type { PackedEpisode } from './pack-episode.ts';
import { SendingWay } from './sending-way.ts';
import type { ShipperStep } from './shipper-step.ts';
import { type UploadDependencies, uploadEpisode } from './upload-episode.ts';
import { UploadNotes } from './upload-note.ts';
import { UploadProgress } from './upload-progress.ts';
import { UploadRequests } from './upload-requests.ts';

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
  credentials: CredentialSource;
  connectTimeoutMs: number;
  idleTimeoutMs: number;
  concurrency: number;
  bandwidthLimit?: BandwidthLimit | undefined;
  /** Larger ones go by resumable uploads. */
  resumableAboveBytes: () => number;
  clock: Clock;
  logger: Pick<Logger, 'info'>;
  afterStep: AfterStep<ShipperStep>;
  /** Bytes of a body as they leave, for progress; 0 when none could leave and earlier ones arrived. */
  onSent: (bytes: number) => void;
  /** An upload that did not come to its end stands well further than the attempt before found it. */
  onUploadMoved: () => void;
}

export function createTransport(options: TransportOptions): Transport {
  const { receiverUrl, bandwidthLimit, afterStep, onSent, clock, logger } = options;
  const connections = new ReceiverConnections(options);
  const ask: Transport['ask'] = (method, path, more) => connections.ask(method, path, more);
  const way = new SendingWay(options.resumableAboveBytes, clock);
  const uploads: UploadDependencies = {
    requests: new UploadRequests({ receiverUrl, connections, bandwidthLimit, afterStep, onSent }),
    notes: new UploadNotes(receiverUrl, afterStep),
    progress: new UploadProgress(),
    onMoved: options.onUploadMoved,
    isRefused: async ({ stamp }, stop) => (await askGate({ ask }, stamp, stop)).kind === 'refused',
    afterStep,
    logger,
  };
  return {
    async put(hostId, episode, stop) {
      let isUploaded = false;
      if (way.isResumable(episode)) {
        const uploaded = await uploadEpisode(uploads, hostId, episode, stop).catch((error: unknown) => {
          if (!isOdd(error) || !way.odd()) throw error;
          return { kind: 'unusable', why: messageOf(error) } as const;
        });
        if (uploaded.kind !== 'unusable') way.understood();
        if (uploaded.kind === 'answered') {
          afterStep('answer-received');
          if (uploaded.answer.status === 200) way.answered(episode);
          return uploaded.answer;
        }
        if (uploaded.kind === 'unusable') {
          way.unusable();
          logger.info(
            { why: uploaded.why },
            'resumable uploads cannot be used with this receiver: episodes go by PUT for an hour',
          );
        }
        isUploaded = uploaded.kind === 'done';
      }
      const expect = isUploaded ? 'known' : 'perhaps-unknown';
      const body = new EpisodeBody(episode, { bandwidthLimit, afterStep, onSent }, { expect });
      const path = episodeTarget(hostId, episode.episodeId);
      const headers = headersOf(episode, isUploaded);
      try {
        const answer = await connections.request({ method: 'PUT', path, headers, body, stop }, 'episodes');
        afterStep('answer-received');
        way.answered(episode);
        return answer;
      } catch (error) {
        if (body.hasBegun && classifyNetworkError(error).kind === 'transient') way.cutOff(episode);
        throw error;
      }
    },
    ask,
    close: () => connections.close(),
  };
}

function isOdd(error: unknown): boolean {
  return error instanceof AppError && ['upload-odd-answer', 'upload-unsettled'].includes(error.code);
}

function headersOf({ sha256, sizeBytes, stamp }: PackedEpisode, isUploaded: boolean): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {
    'Content-Type': 'application/zstd',
    'Content-Length': String(sizeBytes),
    [HEADER.sha256]: sha256,
  };
  if (stamp.commit) headers[HEADER.commit] = stamp.commit;
  if (stamp.dirty) headers[HEADER.dirty] = '1';
  if (stamp.schemaVersion) headers[HEADER.schemaVersion] = stamp.schemaVersion;
  if (isUploaded || sizeBytes > EXPECT_ABOVE_BYTES) headers['Expect'] = '100-continue';
  return headers;
}
