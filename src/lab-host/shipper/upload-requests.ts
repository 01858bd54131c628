// The three requests of a resumable upload (tus 1.0.0, docs/adr/0013), and what each answer means for the upload. A status that is tus' own
// never becomes an episode's verdict: only an answer that says whose word it is by its code, or one that is of no endpoint at all, is handed on.

import type { OutgoingHttpHeaders } from 'node:http';
import { z } from 'zod';
import type { AfterStep } from '../../lib/after-step.ts';
import { AppError } from '../../lib/app-error.ts';
import { parseJson } from '../../lib/parse-json.ts';
import type { ReceiverAnswer } from '../transport/classify-answer.ts';
import type { HeardAnswer } from '../transport/exchange.ts';
import type { ReceiverConnections } from '../transport/receiver-connections.ts';
import { EpisodeBody, type EpisodeBodyOptions } from './episode-body.ts';
import type { PackedEpisode } from './pack-episode.ts';
import type { ShipperStep } from './shipper-step.ts';
import { judgeUploadAnswer, type UploadRefusal } from './upload-answer.ts';

const UPLOADS_PATH = '/v1/uploads';
const TUS: OutgoingHttpHeaders = { 'Tus-Resumable': '1.0.0' };

/** `stored`: it is there already. With `answer` that is the receiver's word on these very bytes; without, a PUT will say so. */
export type Created =
  | { kind: 'created'; path: string }
  | { kind: 'stored'; answer: ReceiverAnswer | undefined }
  | UploadRefusal;
export type Progress = { kind: 'at'; offsetBytes: number } | UploadRefusal;

export interface UploadRequestsOptions extends EpisodeBodyOptions {
  receiverUrl: string;
  connections: ReceiverConnections;
  afterStep: AfterStep<ShipperStep>;
}

export class UploadRequests {
  readonly #options: UploadRequestsOptions;

  constructor(options: UploadRequestsOptions) {
    this.#options = options;
  }

  /** The receiver checks all that it checks of a PUT, before the first byte. */
  async create(hostId: string, episode: PackedEpisode, stop: AbortSignal): Promise<Created> {
    const headers = {
      ...TUS,
      'Upload-Length': String(episode.sizeBytes),
      'Upload-Metadata': uploadMetadata(hostId, episode),
    };
    const answer = await this.#options.connections.ask('POST', UPLOADS_PATH, { headers, stop });
    if (answer.status === 200) return { kind: 'stored', answer: isOf(answer, hostId, episode) ? answer : undefined };
    if (answer.status !== 201) return judgeUploadAnswer('create', answer);
    const path = this.#pathOf(answer.headers.location);
    return path === undefined
      ? { kind: 'unusable', why: `Location is ${answer.headers.location}` }
      : { kind: 'created', path };
  }

  /** How much of it the receiver has. */
  async offset(path: string, stop: AbortSignal, sizeBytes: number): Promise<Progress> {
    const answer = await this.#options.connections.ask('HEAD', path, { headers: TUS, stop });
    return answer.status === 200 ? offsetOf(answer, sizeBytes) : judgeUploadAnswer('offset', answer);
  }

  /** All that comes after `fromBytes`, in one request. Rejects as a PUT does. */
  async send(path: string, episode: PackedEpisode, fromBytes: number, stop: AbortSignal): Promise<Progress> {
    const { connections, afterStep } = this.#options;
    const steps = { begun: 'patch-started', sent: 'patch-body-sent' } as const;
    const body = new EpisodeBody(episode, this.#options, { fromBytes, steps });
    const headers = {
      ...TUS,
      'Content-Type': 'application/offset+octet-stream',
      'Content-Length': String(episode.sizeBytes - fromBytes),
      'Upload-Offset': String(fromBytes),
      Expect: '100-continue',
    };
    const answer = await connections.request({ method: 'PATCH', path, headers, body, stop }, 'episodes');
    afterStep('patch-answered');
    return answer.status === 204 ? offsetOf(answer, episode.sizeBytes) : judgeUploadAnswer('send', answer);
  }

  /** Undefined for an address that is not this receiver's: nothing is sent there. */
  #pathOf(location: string | undefined): string | undefined {
    const base = new URL(this.#options.receiverUrl);
    const url = URL.parse(location ?? '', new URL(UPLOADS_PATH, base));
    if (url?.origin !== base.origin || url.search !== '' || url.hash !== '') return undefined;
    return isUploadPath(url.pathname) ? url.pathname : undefined;
  }
}

export function isUploadPath(path: string): boolean {
  return /^\/v1\/uploads\/[A-Za-z0-9_-]{1,128}$/.test(path);
}

/** What any server may answer to a POST is no receipt: it has to name the episode and the digest of what was sent. */
function isOf({ body }: HeardAnswer, hostId: string, { episodeId, sha256 }: PackedEpisode): boolean {
  const named = z.object({ host_id: z.literal(hostId), episode_id: z.literal(episodeId), sha256: z.literal(sha256) });
  return named.safeParse(parseJson(body)).success;
}

function offsetOf({ headers }: HeardAnswer, sizeBytes: number): Progress {
  const text = String(headers['upload-offset'] ?? '');
  const offsetBytes = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(offsetBytes <= sizeBytes)) {
    throw new AppError('upload-odd-answer', `Upload-Offset is ${JSON.stringify(text)} of ${sizeBytes}`, {
      retryable: true,
    });
  }
  return { kind: 'at', offsetBytes };
}

function uploadMetadata(hostId: string, { episodeId, sha256, stamp }: PackedEpisode): string {
  const { commit, dirty, schemaVersion } = stamp;
  const said = {
    host_id: hostId,
    episode_id: episodeId,
    sha256,
    commit,
    dirty: dirty ? '1' : undefined,
    schema_version: schemaVersion,
  };
  return Object.entries(said)
    .flatMap(([key, value]) => (value ? [`${key} ${Buffer.from(value).toString('base64')}`] : []))
    .join(',');
}
