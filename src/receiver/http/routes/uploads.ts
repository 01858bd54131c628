// /v1/uploads: tus 1.0 on Node's own request and response, with the checks, the commit and the records of a PUT (ADR 13).

import type { IncomingMessage } from 'node:http';
import { noStepObserver } from '../../../lib/after-step.ts';
import { AppError } from '../../../lib/app-error.ts';
import { outcomeKindOf } from '../../attempts/outcome-kind.ts';
import { hostOf, type Principal } from '../../identity/principal.ts';
import { checkPlainBody, type Refusal } from '../../ingest/check-episode.ts';
import type { StoredOrRefused } from '../../ingest/commit-episode.ts';
import { createUpload, type NewUpload } from '../../uploads/create-upload.ts';
import { finishUpload } from '../../uploads/finish-upload.ts';
import { judgeByTus, readMetadata, TUS_VERSION, type TusStore } from '../../uploads/judge-by-tus.ts';
import { receiveUpload } from '../../uploads/receive-upload.ts';
import type { UnfinishedUpload } from '../../uploads/unfinished-uploads.ts';
import { headerOf, judgeWriter } from '../episode-attempt.ts';
import { problemOf } from '../problem-answer.ts';
import { tellUpload } from './tell-upload.ts';
import type { StoredVerdict, UploadExchange, UploadOutcome, UploadRouteDependencies } from './upload-exchange.ts';

const UPLOADS_TARGET = /^\/v1\/uploads(?:\/([^/?]*))?$/;
const METHODS = { collection: ['OPTIONS', 'POST'], upload: ['DELETE', 'HEAD', 'OPTIONS', 'PATCH'] };
const UPLOAD_ID = /^[0-9a-f]{32}$/;

/** Which upload a request is for; undefined for what another route answers. */
export function readUploadTarget(method: string, target: string): { uploadId: string | undefined } | undefined {
  const found = UPLOADS_TARGET.exec(target);
  if (!found) return undefined;
  const [, uploadId] = found;
  return METHODS[uploadId === undefined ? 'collection' : 'upload'].includes(method) ? { uploadId } : undefined;
}

export async function serveUpload(
  dependencies: UploadRouteDependencies,
  request: Omit<UploadExchange, 'attempt'>,
): Promise<void> {
  const exchange: UploadExchange = { ...request, attempt: { rawHostId: '', rawEpisodeId: '' } };
  let outcome: UploadOutcome;
  try {
    outcome = await answer(dependencies, exchange);
  } catch (error) {
    const { code, detail } = problemOf(error);
    dependencies.logger.error({ err: error, request_id: exchange.requestId, code }, 'upload could not be served');
    if (error instanceof AppError && error.code === 'sync-failed') dependencies.onFatal(error);
    outcome = { kind: 'refused', code, detail };
  }
  tellUpload(dependencies, exchange, outcome);
  (dependencies.afterStep ?? noStepObserver)('upload-answered');
}

async function answer(dependencies: UploadRouteDependencies, exchange: UploadExchange): Promise<UploadOutcome> {
  const { request, uploadId, attempt } = exchange;
  const upload = uploadId === undefined ? undefined : dependencies.unfinished.find(uploadId)?.upload;
  const metadata = upload?.metadata ?? (await readMetadata(headerOf(request, 'upload-metadata')));
  attempt.rawHostId = metadata['host_id'] ?? '';
  attempt.rawEpisodeId = metadata['episode_id'] ?? '';
  const authentication = await dependencies.authenticator.authenticate(request);
  attempt.asked = authentication;
  if (authentication.kind === 'refused') return authentication;
  const { principal } = authentication;
  const writer = judgeWriter(principal, hostOf(principal) ?? '');
  if (writer.kind === 'refused') return writer;
  if (request.method === 'OPTIONS') return await judge(dependencies, exchange, {});
  if (headerOf(request, 'tus-resumable') !== TUS_VERSION) {
    return refused('tus-version-unsupported', `send Tus-Resumable: ${TUS_VERSION}`);
  }
  if (uploadId === undefined) return await create(dependencies, exchange, principal);
  return await workOn(dependencies, exchange, uploadId, principal);
}

async function create(
  dependencies: UploadRouteDependencies,
  exchange: UploadExchange,
  principal: Principal,
): Promise<UploadOutcome> {
  const { request, attempt } = exchange;
  const length = headerOf(request, 'content-length') ?? '0';
  if (length !== '0' || request.headers['transfer-encoding'] !== undefined) {
    return refused('tus-request-malformed', 'a creation has no body: send it with PATCH');
  }
  const begin = async (upload: NewUpload): Promise<UploadOutcome | undefined> => {
    attempt.asked = judgeWriter(principal, attempt.rawHostId);
    if (attempt.asked.kind === 'refused') return attempt.asked;
    if (upload.sizeBytes < 1) return refused('tus-request-malformed', 'Upload-Length must be 1 or more');
    const created = await createUpload(dependencies, upload);
    if (created.kind === 'created') return undefined;
    return created.kind === 'refused' ? created : { kind: 'created-duplicate', verdict: created };
  };
  return await judge(dependencies, exchange, {
    create: async (upload) => {
      const outcome = await begin(upload);
      return outcome && { stop: outcome };
    },
  });
}

/** The owner is asked for before anything of the upload is touched: nobody else can take it over. */
async function workOn(
  dependencies: UploadRouteDependencies,
  exchange: UploadExchange,
  uploadId: string,
  principal: Principal,
): Promise<UploadOutcome> {
  const { uploads, unfinished } = dependencies;
  const { request, attempt } = exchange;
  const hostId = UPLOAD_ID.test(uploadId) ? unfinished.hostOf(uploadId) : undefined;
  if (hostId === undefined) return refused('upload-not-found', 'there is no such upload');
  attempt.asked = judgeWriter(principal, hostId);
  if (attempt.asked.kind === 'refused') return attempt.asked;
  let isStoring = false;
  const lock = await uploads.lock(uploadId, () => {
    // Most likely the connection is dead. What came by it is kept.
    if (request.method === 'PATCH' && !isStoring) request.socket.destroy();
  });
  const end = unfinished.begin(uploadId);
  let came = false;
  try {
    const found = await find(dependencies, uploadId);
    if (found.kind === 'refused') return found;
    const { entry, offsetBytes, upload } = found;
    const store: TusStore<UploadOutcome> = { found: { ...upload, offsetBytes } };
    // A part of no bytes: the library asks for it to be written all the same.
    if (offsetBytes === upload.sizeBytes) store.append = async () => offsetBytes;
    if (!entry) return await judge(dependencies, exchange, store);
    if (request.method === 'DELETE') {
      store.remove = async () => {
        unfinished.drop(uploadId, 'removed');
        await uploads.remove(uploadId);
      };
      return await judge(dependencies, exchange, store);
    }
    if (offsetBytes === upload.sizeBytes) {
      // Whole, and not stored: that an upload is at its end is told only when it is.
      isStoring = true;
      const stored = await finish(dependencies, exchange, entry);
      came = isOurs(stored);
      if (stored.kind === 'refused') return stored;
      return withVerdict(await judge(dependencies, exchange, store), stored);
    }
    if (request.method !== 'PATCH') return await judge(dependencies, exchange, store);
    const refusal = await checkPart(dependencies, request);
    if (refusal) {
      came = isOurs(refusal);
      return refusal;
    }
    let reachedBytes = offsetBytes;
    store.append = async () => {
      const part = await receiveUpload(dependencies, entry, request, {
        offsetBytes,
        onReady: () => sendContinue(exchange),
      });
      reachedBytes = part.offsetBytes;
      came = reachedBytes > offsetBytes;
      if (part.end === 'cut-off') return { stop: { kind: 'cut-off', offsetBytes: reachedBytes } };
      if (part.end === 'too-long')
        return { stop: refused('tus-request-malformed', 'more came than Upload-Length says') };
      return reachedBytes;
    };
    const answered = await judge(dependencies, exchange, store);
    if (answered.kind !== 'answer' || reachedBytes !== upload.sizeBytes) return answered;
    isStoring = true;
    const stored = await finish(dependencies, exchange, entry);
    return stored.kind === 'refused' ? stored : withVerdict(answered, stored);
  } finally {
    end(came);
    lock.release();
  }
}

interface Found {
  kind: 'found';
  upload: UnfinishedUpload['upload'];
  /** Undefined for one that was stored. */
  entry: UnfinishedUpload | undefined;
  offsetBytes: number;
}

/** With the lock: whoever had it before may have ended it. */
async function find({ uploads, unfinished }: UploadRouteDependencies, uploadId: string): Promise<Found | Refusal> {
  const stored = unfinished.findStored(uploadId);
  if (stored) return { kind: 'found', upload: stored, entry: undefined, offsetBytes: stored.sizeBytes };
  if (unfinished.hasExpired(uploadId)) return refused('upload-expired', 'nothing came for it for too long: begin anew');
  const entry = unfinished.find(uploadId);
  const offsetBytes = entry && (await uploads.offsetOf(uploadId));
  if (entry && offsetBytes !== undefined) return { kind: 'found', upload: entry.upload, entry, offsetBytes };
  unfinished.drop(uploadId, 'removed');
  return refused('upload-not-found', 'there is no such upload');
}

async function checkPart({ room }: UploadRouteDependencies, request: IncomingMessage): Promise<Refusal | undefined> {
  const refusal = checkPlainBody((name) => headerOf(request, name));
  if (refusal) return refusal;
  try {
    // What it is still to bring is reserved: this asks whether the reserve stands.
    (await room.reserve(0)).release();
    return undefined;
  } catch (error) {
    if (error instanceof AppError && error.code === 'disk-reserve') return refused('disk-reserve', error.message);
    throw error;
  }
}

/** A part may have taken hours: the credential is looked at once more. */
async function finish(
  dependencies: UploadRouteDependencies,
  { request, attempt }: UploadExchange,
  entry: UnfinishedUpload,
): Promise<StoredOrRefused> {
  const { key, sizeBytes } = entry.upload;
  attempt.meter = dependencies.metrics.puts.begin();
  attempt.meter.received(sizeBytes);
  const authentication = await dependencies.authenticator.authenticate(request);
  const asked = authentication.kind === 'refused' ? authentication : judgeWriter(authentication.principal, key.hostId);
  if (asked.kind === 'refused') return asked;
  return await finishUpload(dependencies, entry);
}

async function judge(
  { maxEpisodeBytes }: UploadRouteDependencies,
  { request }: UploadExchange,
  store: TusStore<UploadOutcome>,
): Promise<UploadOutcome> {
  const { method = '', url: path = '' } = request;
  const header = (name: string) => headerOf(request, name);
  const judged = await judgeByTus({ method, path, header, maxSizeBytes: maxEpisodeBytes }, store);
  return 'stop' in judged ? judged.stop : judged;
}

function withVerdict(outcome: UploadOutcome, verdict: StoredVerdict): UploadOutcome {
  // It is stored, whatever tus says of the request that led to it.
  return outcome.kind === 'answer' ? { ...outcome, verdict } : { kind: 'answer', status: 204, headers: {}, verdict };
}

/** The receiver could not: its client came, and must not find it expired for that. */
function isOurs(outcome: StoredOrRefused): boolean {
  return outcome.kind === 'refused' && outcomeKindOf(outcome.code) === 'failed';
}

function sendContinue(exchange: UploadExchange): void {
  if (exchange.awaitsContinue) exchange.response.writeContinue();
  exchange.awaitsContinue = false;
}

function refused(code: Refusal['code'], detail: string): Refusal {
  return { kind: 'refused', code, detail };
}
