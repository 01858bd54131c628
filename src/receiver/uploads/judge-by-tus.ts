// What tus 1.0 says of a request, by the kept library. It is given the request without its body: it would read it through four streams.
// Each request has a server of its own, whose store is what this request may do.

import { randomBytes } from 'node:crypto';
import type { ProblemCode } from '../../protocol/problem.ts';
import type { Refusal } from '../ingest/check-episode.ts';
import type { NewUpload, UploadMetadata } from './create-upload.ts';

const UPLOADS_PATH = '/v1/uploads';
export const TUS_VERSION = '1.0.0';

/** Ends the request with what it is to be answered, whatever tus has to say. */
export interface Stop<Outcome> {
  stop: Outcome;
}

/** What this request may do. What is thrown here is thrown by `judgeByTus`, whatever the library makes of it. */
export interface TusStore<Outcome> {
  create?: (upload: NewUpload) => Promise<undefined | Stop<Outcome>>;
  found?: { sizeBytes: number; offsetBytes: number; metadata: UploadMetadata };
  /** Resolves with the new offset. */
  append?: () => Promise<number | Stop<Outcome>>;
  remove?: () => Promise<void>;
}

export interface TusRequest {
  method: string;
  path: string;
  header: (name: string) => string | undefined;
  maxSizeBytes: number;
}

// Of what it asks, and of what it answers. Its CORS headers are not ours.
const ASKED = [
  'content-length',
  'content-type',
  'tus-resumable',
  'upload-concat',
  'upload-defer-length',
  'upload-length',
  'upload-metadata',
  'upload-offset',
];
const ANSWERED = /^(?:cache-control|location|tus-|upload-)/;

export interface TusAnswer {
  kind: 'answer';
  status: number;
  headers: Record<string, string>;
}

export async function judgeByTus<Outcome>(
  request: TusRequest,
  store: TusStore<Outcome>,
): Promise<TusAnswer | Refusal | Stop<Outcome>> {
  // With the first upload, and not with each start: it takes a tenth of a second and some megabytes.
  const { DataStore, ERRORS, Server, Upload } = await import('@tus/server');
  let stopped: Stop<Outcome> | undefined;
  let failure: { error: unknown } | undefined;
  const asked = async <Result>(work: Promise<Result | Stop<Outcome>> | undefined): Promise<Result> => {
    const result = await work?.catch((error: unknown) => {
      failure = { error };
      throw error;
    });
    if (result === undefined || !isStop<Outcome>(result)) return result as Result;
    stopped = result;
    throw ERRORS.ABORTED;
  };
  const datastore = new (class extends DataStore {
    override extensions = ['creation', 'expiration', 'termination'];
    override async create(upload: InstanceType<typeof Upload>) {
      const { id: uploadId, size: sizeBytes = 0, metadata = {} } = upload;
      await asked(store.create?.({ uploadId, sizeBytes, metadata }));
      return upload;
    }
    override async getUpload(id: string) {
      if (!store.found) throw ERRORS.FILE_NOT_FOUND;
      const { sizeBytes: size, offsetBytes: offset, metadata } = store.found;
      return new Upload({ id, size, offset, metadata });
    }
    override async write(empty: NodeJS.ReadableStream) {
      empty.resume();
      return await asked(store.append?.());
    }
    override async remove() {
      await asked(store.remove?.());
    }
  })();
  const server = new Server({
    path: UPLOADS_PATH,
    datastore,
    relativeLocation: true,
    namingFunction: () => randomBytes(16).toString('hex'),
    // The size is the episode's, and has its turn among the checks.
    ...(request.method === 'OPTIONS' && { maxSize: request.maxSizeBytes }),
    // Ours is held around all of this.
    locker: { newLock: () => ({ lock: async () => undefined, unlock: async () => undefined }) },
  });
  const answer = await server.handleWeb(toWebRequest(request));
  if (failure) throw failure.error;
  if (stopped) return stopped;
  if (answer.status >= 400) return toRefusal(answer.status, (await answer.text()).trim());
  const headers = [...answer.headers].filter(([name]) => ANSWERED.test(name));
  return { kind: 'answer', status: answer.status, headers: Object.fromEntries(headers) };
}

/** As far as it can be read; the judging comes later. */
export async function readMetadata(header: string | undefined): Promise<UploadMetadata> {
  const { Metadata } = await import('@tus/server');
  try {
    return Metadata.parse(header);
  } catch {
    return {};
  }
}

function isStop<Outcome>(result: unknown): result is Stop<Outcome> {
  return typeof result === 'object' && result !== null && 'stop' in result;
}

function toWebRequest({ method, path, header }: TusRequest): Request {
  const headers = new Headers();
  for (const name of ASKED) {
    const value = header(name);
    // A body with a creation is an extension that is not offered: without its type the library does not look for one.
    if (value !== undefined && !(name === 'content-type' && method === 'POST')) headers.set(name, value);
  }
  return new Request(`http://receiver${path}`, { method, headers });
}

const CODES: Record<number, ProblemCode> = {
  404: 'upload-not-found',
  409: 'upload-offset-mismatch',
  412: 'tus-version-unsupported',
};

function toRefusal(status: number, text: string): Refusal {
  if (status >= 500 && status !== 501) throw new Error(`the tus library failed: ${text}`);
  return { kind: 'refused', code: CODES[status] ?? 'tus-request-malformed', detail: text };
}
