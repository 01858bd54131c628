// PUT /v1/episodes/{host}/{id}.tar.zst, on Node's own request and response: the body never passes through a copy.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { type AfterStep, noStepObserver } from '../../../lib/after-step.ts';
import { AppError } from '../../../lib/app-error.ts';
import type { Logger } from '../../../lib/logger.ts';
import type { SequencedRow } from '../../../protocol/ledger-row.ts';
import type { ProblemCode } from '../../../protocol/problem.ts';
import type { BlobStore, BlobWrite } from '../../../storage/blob-store.ts';
import type { Ledger } from '../../../storage/ledger.ts';
import type { AttemptCounter } from '../../attempts/attempt-counter.ts';
import type { FleetView } from '../../fleet/fleet-view.ts';
import type { Authenticator } from '../../identity/authenticator.ts';
import {
  type CheckDependencies,
  type CheckOutcome,
  checkEpisode,
  type Refusal,
  readIds,
  tooLarge,
} from '../../ingest/check-episode.ts';
import {
  type CommitDependencies,
  commitEpisode,
  type StoredOrRefused,
  toStoredOrRefused,
} from '../../ingest/commit-episode.ts';
import type { PutMeter } from '../../metrics/put-meters.ts';
import type { ReceiverMetrics } from '../../metrics/receiver-metrics.ts';
import { type EndUploadDependencies, endUploadOf, endUploadOfStored } from '../../uploads/end-upload.ts';
import type { VersionGate } from '../../version-gate/version-gate.ts';
import type { PaceLimits } from '../body-pace.ts';
import {
  type Asked,
  type EpisodeAttempt,
  headerOf,
  hostToCount,
  judgeWriter,
  logRejected,
  logStored,
  storedAnswer,
} from '../episode-attempt.ts';
import type { LingeringCloser } from '../lingering-close.ts';
import { problemAnswer, problemOf, sendAnswer } from '../problem-answer.ts';
import { readBody } from '../read-body.ts';

export type AnswerStep = 'checked' | 'body-received' | 'answer-sent';

export interface PutEpisodeDependencies extends CheckDependencies, CommitDependencies, EndUploadDependencies {
  ledger: Ledger;
  blobs: BlobStore;
  gate: VersionGate;
  authenticator: Authenticator;
  attemptCounter: AttemptCounter;
  metrics: ReceiverMetrics;
  fleet: FleetView;
  lingering: LingeringCloser;
  logger: Logger;
  limits: { pace: PaceLimits };
  /** Called when the disk may have lost what was written: the process must end. */
  onFatal: (error: unknown) => void;
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
  /** What is wrong with the request as such. */
  malformed: [code: ProblemCode, detail: string] | undefined;
}

type Accepted = Extract<CheckOutcome, { kind: 'accepted' }>;

export async function putEpisode(dependencies: PutEpisodeDependencies, exchange: PutExchange): Promise<void> {
  const { request, response, requestId } = exchange;
  const afterStep = dependencies.afterStep ?? noStepObserver;
  const client = dependencies.authenticator.clientOf(request);
  const meter = dependencies.metrics.puts.begin();
  let countedHost: string | undefined;
  let outcomeCode: string | undefined;
  try {
    const authentication = await authenticate(dependencies, exchange);
    countedHost = hostToCount(dependencies.fleet, exchange.rawHostId, authentication);
    const checked = authentication.kind === 'refused' ? authentication : await check(dependencies, exchange);
    afterStep('checked');
    if (checked.kind === 'refused') {
      outcomeCode = checked.code;
      return refuse(dependencies, exchange, checked);
    }
    if (checked.kind === 'duplicate') {
      outcomeCode = 'duplicate';
      dependencies.lingering.prepare(request, response, exchange.awaitsContinue);
      answerStored(exchange, 200, checked.row);
      return await endUpload(dependencies, checked.row);
    }
    if (exchange.awaitsContinue) response.writeContinue();
    const outcome = await receiveAndCommit(dependencies, request, checked, { afterStep, meter });
    if (outcome === 'aborted') return logCutOff(dependencies.logger, exchange, client);
    if (outcome.kind === 'refused') {
      outcomeCode = outcome.code;
      return refuse(dependencies, { ...exchange, awaitsContinue: false }, outcome);
    }
    outcomeCode = outcome.kind;
    answerStored(exchange, outcome.kind === 'stored' ? 201 : 200, outcome.row);
    if (outcome.kind === 'stored') logStored(dependencies.logger, outcome.row);
    afterStep('answer-sent');
    await endUpload(dependencies, outcome.row);
  } catch (error) {
    outcomeCode = answerFailure(dependencies, exchange, error);
  } finally {
    if (response.headersSent) {
      dependencies.logger.info(`${client} - "PUT ${request.url} HTTP/${request.httpVersion}" ${response.statusCode}`);
      if (countedHost !== undefined && outcomeCode !== undefined)
        dependencies.attemptCounter.count(countedHost, outcomeCode);
    }
    if (outcomeCode === undefined) meter.cutOff();
    else meter.answered(outcomeCode, countedHost);
    dependencies.logger.debug({ request_id: requestId, status: response.statusCode }, 'episode request ended');
  }
}

async function authenticate(
  dependencies: PutEpisodeDependencies,
  { request, rawHostId, malformed }: PutExchange,
): Promise<Asked> {
  if (malformed) return { kind: 'refused', code: malformed[0], detail: malformed[1] };
  const authentication = await dependencies.authenticator.authenticate(request);
  if (authentication.kind === 'refused') return authentication;
  return judgeWriter(authentication.principal, rawHostId);
}

async function check(dependencies: PutEpisodeDependencies, exchange: PutExchange): Promise<CheckOutcome> {
  const { request } = exchange;
  const header = (name: string) => headerOf(request, name);
  const ids = readIds(exchange.rawHostId, exchange.rawName);
  if (ids.kind === 'refused') return ids;
  const checked = await checkEpisode(dependencies, ids.key, header);
  if (checked.kind !== 'refused' || checked.code !== 'disk-reserve') return checked;
  // The room that it lacks may be that of its own upload, which nobody goes on with.
  const { unfinished } = dependencies;
  const upload = unfinished.ofEpisode(ids.key)?.upload;
  if (!upload || unfinished.isBusy(upload.uploadId)) return checked;
  await endUploadOf(dependencies, ids.key);
  return await checkEpisode(dependencies, ids.key, header);
}

async function receiveAndCommit(
  dependencies: PutEpisodeDependencies,
  request: IncomingMessage,
  accepted: Accepted,
  { afterStep, meter }: { afterStep: AfterStep<AnswerStep>; meter: PutMeter },
): Promise<StoredOrRefused | 'aborted'> {
  const { key, sha256, declaredBytes, reservation } = accepted;
  const size = declaredBytes === undefined ? {} : { sizeBytes: declaredBytes };
  let body: BlobWrite | undefined;
  try {
    body = await dependencies.blobs.begin({ key, sha256, ...size });
    const received = await receive(dependencies, request, body, { ...accepted, meter });
    if (received === 'aborted') return 'aborted';
    if (received.kind === 'refused') return received;
    afterStep('body-received');
    const outcome = await commitEpisode(dependencies, body, { ...accepted, key, sizeBytes: received.sizeBytes });
    return toStoredOrRefused(outcome);
  } finally {
    await body?.abort();
    reservation.release();
  }
}

async function receive(
  { limits, maxEpisodeBytes }: PutEpisodeDependencies,
  request: IncomingMessage,
  body: BlobWrite,
  { reservation, meter }: Accepted & { meter: PutMeter },
): Promise<Refusal | { kind: 'received'; sizeBytes: number } | 'aborted'> {
  let sizeBytes = 0;
  try {
    const end = await readBody(request, limits.pace, async (chunk) => {
      sizeBytes += chunk.byteLength;
      meter.received(sizeBytes);
      if (sizeBytes > maxEpisodeBytes) return false;
      await reservation.received(sizeBytes);
      await body.write(chunk);
      return true;
    });
    if (end === 'refused') return tooLarge(maxEpisodeBytes);
    return end === 'aborted' ? 'aborted' : { kind: 'received', sizeBytes };
  } catch (error) {
    if (error instanceof AppError && error.code === 'disk-reserve') {
      return { kind: 'refused', code: 'disk-reserve', detail: error.message };
    }
    throw error;
  }
}

/** What was stored needs no upload any more, and no room for one. */
async function endUpload(dependencies: PutEpisodeDependencies, row: SequencedRow): Promise<void> {
  const { host_id: host, episode_id: episode } = row;
  await endUploadOfStored(dependencies, row).catch((error: unknown) =>
    dependencies.logger.warn({ err: error, host, episode }, 'its unfinished upload stays until it expires'),
  );
}

function refuse(dependencies: PutEpisodeDependencies, exchange: PutExchange, refusal: Refusal): void {
  const { request, response, requestId } = exchange;
  dependencies.lingering.prepare(request, response, exchange.awaitsContinue);
  sendAnswer(response, problemAnswer(refusal.code, refusal.detail, requestId, refusal.extras));
  logRejected(dependencies.logger, toAttempt(exchange), refusal.code);
}

function answerFailure(dependencies: PutEpisodeDependencies, exchange: PutExchange, error: unknown): ProblemCode {
  const { request, response, requestId } = exchange;
  const { code, detail } = problemOf(error);
  dependencies.logger.error({ err: error, request_id: requestId, code }, 'episode could not be stored');
  logRejected(dependencies.logger, toAttempt(exchange), code);
  if (!response.headersSent) {
    dependencies.lingering.prepare(request, response, exchange.awaitsContinue);
    sendAnswer(response, problemAnswer(code, detail, requestId));
  }
  if (error instanceof AppError && error.code === 'sync-failed') dependencies.onFatal(error);
  return code;
}

function toAttempt({ rawHostId, rawName, requestId }: PutExchange): EpisodeAttempt {
  return { rawHostId, rawEpisodeId: rawName.replace(/\.tar\.zst$/, ''), requestId };
}

/** Nobody was answered: no attempt, and no line in the form of one. */
function logCutOff(logger: Logger, { request, rawHostId, rawName, requestId }: PutExchange, client: string): void {
  const fields = { host: rawHostId, episode: rawName.replace(/\.tar\.zst$/, ''), client, request_id: requestId };
  logger.info({ ...fields, received_bytes: request.socket.bytesRead }, 'body was cut off; nothing of it is kept');
}

function answerStored({ response }: PutExchange, status: 200 | 201, row: SequencedRow): void {
  sendAnswer(response, storedAnswer(status, row));
}
