// PUT /v1/episodes/{host}/{id}.tar.zst, on Node's own request and response: the body never passes through a copy.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { type AfterStep, noStepObserver } from '../../../lib/after-step.ts';
import { AppError } from '../../../lib/app-error.ts';
import type { Logger } from '../../../lib/logger.ts';
import type { StoredAnswer } from '../../../protocol/answers.ts';
import type { SequencedRow } from '../../../protocol/ledger-row.ts';
import type { BlobWrite } from '../../../storage/blob-store.ts';
import {
  type CheckDependencies,
  type CheckOutcome,
  checkEpisode,
  conflict,
  type Refusal,
  readIds,
  tooLarge,
} from '../../ingest/check-episode.ts';
import { type CommitDependencies, commitEpisode, type IngestOutcome } from '../../ingest/commit-episode.ts';
import { type Authenticator, allows } from '../authentication.ts';
import type { LingeringCloser } from '../lingering-close.ts';
import { problemAnswer, sendAnswer } from '../problem-answer.ts';

export type AnswerStep = 'checked' | 'body-received' | 'answer-sent';

export interface PutEpisodeDependencies extends CheckDependencies, CommitDependencies {
  authenticate: Authenticator;
  lingering: LingeringCloser;
  logger: Logger;
  /** Called when the disk may have lost what was written: the process must end. */
  onFatal: (error: AppError) => void;
  afterStep?: AfterStep<AnswerStep>;
}

export interface PutExchange {
  request: IncomingMessage;
  response: ServerResponse;
  requestId: string;
  rawHostId: string;
  rawName: string;
  /** The client waits for 100 before it sends the body. */
  awaitsContinue: boolean;
}

type Accepted = Extract<CheckOutcome, { kind: 'accepted' }>;

export async function putEpisode(dependencies: PutEpisodeDependencies, exchange: PutExchange): Promise<void> {
  const { request, response, requestId } = exchange;
  const afterStep = dependencies.afterStep ?? noStepObserver;
  try {
    const checked = await check(dependencies, exchange);
    afterStep('checked');
    if (checked.kind === 'refused') return refuse(dependencies, exchange, checked);
    if (checked.kind === 'duplicate') {
      dependencies.lingering.prepare(request, response, exchange.awaitsContinue);
      return answerStored(exchange, 200, checked.row);
    }
    if (exchange.awaitsContinue) response.writeContinue();
    const outcome = await receiveAndCommit(dependencies, request, checked, afterStep);
    if (outcome === 'aborted') return;
    if (outcome.kind === 'refused') return refuse(dependencies, { ...exchange, awaitsContinue: false }, outcome);
    answerStored(exchange, outcome.kind === 'stored' ? 201 : 200, outcome.row);
    if (outcome.kind === 'stored') logStored(dependencies.logger, outcome.row);
    afterStep('answer-sent');
  } catch (error) {
    answerFailure(dependencies, exchange, error);
  } finally {
    if (response.headersSent) {
      const client = `${request.socket.remoteAddress ?? '-'}:${request.socket.remotePort ?? '-'}`;
      dependencies.logger.info(`${client} - "PUT ${request.url} HTTP/${request.httpVersion}" ${response.statusCode}`);
    }
    dependencies.logger.debug({ request_id: requestId, status: response.statusCode }, 'episode request ended');
  }
}

async function check(dependencies: PutEpisodeDependencies, exchange: PutExchange): Promise<CheckOutcome> {
  const { request } = exchange;
  const authentication = dependencies.authenticate('PUT', request.headers);
  if (authentication.kind === 'refused') return authentication;
  if (!allows(authentication.principal, 'write-episode')) {
    return { kind: 'refused', code: 'forbidden', detail: 'this credential may not write episodes' };
  }
  const header = (name: string) => {
    const value = request.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  };
  const ids = readIds(exchange.rawHostId, exchange.rawName);
  if (ids.kind === 'refused') return ids;
  return await checkEpisode(dependencies, ids.key, header);
}

async function receiveAndCommit(
  dependencies: PutEpisodeDependencies,
  request: IncomingMessage,
  accepted: Accepted,
  afterStep: AfterStep<AnswerStep>,
): Promise<Refusal | { kind: 'stored' | 'duplicate'; row: SequencedRow } | 'aborted'> {
  const { key, sha256, declaredBytes, reservation } = accepted;
  const size = declaredBytes === undefined ? {} : { sizeBytes: declaredBytes };
  let body: BlobWrite | undefined;
  try {
    body = await dependencies.blobs.begin({ key, sha256, ...size });
    const received = await receive(request, body, accepted, dependencies.maxEpisodeBytes);
    if (received === 'aborted') return 'aborted';
    if (received.kind === 'refused') return received;
    afterStep('body-received');
    const outcome = await commitEpisode(dependencies, body, { ...accepted, key, sizeBytes: received.sizeBytes });
    return toAnswer(outcome);
  } finally {
    await body?.abort();
    reservation.release();
  }
}

function toAnswer(outcome: IngestOutcome): Refusal | { kind: 'stored' | 'duplicate'; row: SequencedRow } {
  if (outcome.kind === 'conflict') return conflict(outcome.row);
  if (outcome.kind !== 'digest-mismatch') return { kind: outcome.kind, row: outcome.row };
  const detail = `${outcome.sizeBytes} bytes arrived, with SHA-256 ${outcome.sha256}; nothing was kept`;
  return { kind: 'refused', code: 'digest-mismatch', detail };
}

async function receive(
  request: IncomingMessage,
  body: BlobWrite,
  { reservation }: Accepted,
  maxEpisodeBytes: number,
): Promise<Refusal | { kind: 'received'; sizeBytes: number } | 'aborted'> {
  let sizeBytes = 0;
  const chunks = request.iterator({ destroyOnReturn: false });
  try {
    for await (const chunk of chunks as AsyncIterable<Buffer>) {
      sizeBytes += chunk.byteLength;
      if (sizeBytes > maxEpisodeBytes) return tooLarge(maxEpisodeBytes);
      await reservation.received(sizeBytes);
      await body.write(chunk);
    }
  } catch (error) {
    if (error instanceof AppError && error.code === 'disk-reserve') {
      return { kind: 'refused', code: 'disk-reserve', detail: error.message };
    }
    if (request.destroyed && !(error instanceof AppError)) return 'aborted';
    throw error;
  }
  return request.complete ? { kind: 'received', sizeBytes } : 'aborted';
}

function refuse(dependencies: PutEpisodeDependencies, exchange: PutExchange, refusal: Refusal): void {
  const { request, response, requestId } = exchange;
  dependencies.lingering.prepare(request, response, exchange.awaitsContinue);
  sendAnswer(response, problemAnswer(refusal.code, refusal.detail, requestId, refusal.extras));
  const reason = refusal.code === 'commit-missing' ? ' missing X-Cis490-Code-Commit' : '';
  const host = encodeURI(exchange.rawHostId).slice(0, 64);
  const episode = encodeURI(exchange.rawName.replace(/\.tar\.zst$/, '')).slice(0, 128);
  dependencies.logger.warn(
    { request_id: requestId },
    `rejected episode host=${host} episode=${episode} code=${refusal.code}${reason}`,
  );
}

function answerFailure(dependencies: PutEpisodeDependencies, exchange: PutExchange, error: unknown): void {
  const { request, response, requestId } = exchange;
  const code =
    error instanceof AppError &&
    (error.code === 'disk-full' || error.code === 'sync-failed' || error.code === 'stopping')
      ? error.code
      : 'internal-error';
  dependencies.logger.error({ err: error, request_id: requestId, code }, 'episode could not be stored');
  if (!response.headersSent) {
    dependencies.lingering.prepare(request, response, exchange.awaitsContinue);
    const detail =
      code === 'internal-error'
        ? 'the receiver failed; its log has the cause under this request_id'
        : (error as AppError).message;
    sendAnswer(response, problemAnswer(code, detail, requestId));
  }
  if (error instanceof AppError && error.code === 'sync-failed') dependencies.onFatal(error);
}

function answerStored({ response }: PutExchange, status: 200 | 201, row: SequencedRow): void {
  const answer: StoredAnswer = {
    status: status === 201 ? 'stored' : 'duplicate',
    host_id: row.host_id,
    episode_id: row.episode_id,
    sha256: row.sha256,
    bytes: row.bytes,
    received_at_wall: row.received_at_wall,
    seq: row.seq,
  };
  sendAnswer(response, {
    status,
    headers: { 'Content-Type': 'application/json' },
    body: `${JSON.stringify(answer)}\n`,
  });
}

function logStored(
  logger: Logger,
  { host_id: host, episode_id: episode, seq, bytes, commit, gate }: SequencedRow,
): void {
  const source = typeof gate === 'object' ? gate['source'] : gate;
  logger.info({ host, episode, seq, bytes, commit: commit ?? undefined, gate: source }, 'episode stored');
}
