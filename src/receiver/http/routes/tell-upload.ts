// What a request to /v1/uploads came to, told to its client, and, where the episode's verdict is in it, counted and logged as a PUT's.

import { PROBLEMS, type ProblemCode } from '../../../protocol/problem.ts';
import { TUS_VERSION } from '../../uploads/judge-by-tus.ts';
import { hostToCount, logRejected, logStored, storedAnswer } from '../episode-attempt.ts';
import { problemAnswer, sendAnswer } from '../problem-answer.ts';
import type { UploadExchange, UploadOutcome, UploadRouteDependencies } from './upload-exchange.ts';

/** Of the way that the bytes take, never of the episode. */
const OF_TUS: ReadonlySet<ProblemCode> = new Set([
  'tus-version-unsupported',
  'tus-request-malformed',
  'upload-not-found',
  'upload-offset-mismatch',
  'upload-expired',
  'too-many-uploads',
]);

export function tellUpload(
  dependencies: UploadRouteDependencies,
  exchange: UploadExchange,
  outcome: UploadOutcome,
): void {
  const { request, response, uploadId, requestId, attempt } = exchange;
  const { logger } = dependencies;
  const host = attempt.rawHostId;
  if (outcome.kind === 'cut-off') {
    const fields = { host, episode: attempt.rawEpisodeId, upload: uploadId, offset_bytes: outcome.offsetBytes };
    logger.info({ ...fields, request_id: requestId }, 'upload was cut off; what came of it is kept');
    return;
  }
  const asked = attempt.asked ?? { kind: 'refused' as const, code: 'internal-error' as const, detail: '' };
  const countedHost = hostToCount(dependencies.fleet, host, asked);
  // A client that has not had its 100 may still send.
  dependencies.lingering.prepare(request, response, exchange.awaitsContinue);
  send(dependencies, exchange, outcome);
  const code = verdictOf(exchange, outcome);
  if (code === undefined) return;
  if (code === 'stored' && 'verdict' in outcome && outcome.verdict) logStored(logger, outcome.verdict.row);
  tellAsPut(dependencies, exchange, code);
  if (countedHost !== undefined) dependencies.attemptCounter.count(countedHost, code);
  (attempt.meter ?? dependencies.metrics.puts.begin()).answered(code, countedHost);
}

function send(
  { unfinished }: UploadRouteDependencies,
  { request, response, requestId, uploadId }: UploadExchange,
  outcome: Exclude<UploadOutcome, { kind: 'cut-off' }>,
): void {
  if (response.headersSent) return;
  response.setHeader('Tus-Resumable', TUS_VERSION);
  if (outcome.kind === 'created-duplicate') {
    sendAnswer(response, storedAnswer(200, outcome.verdict.row));
    return;
  }
  if (outcome.kind === 'refused') {
    const { code, detail, extras } = outcome;
    if (code === 'tus-version-unsupported') response.setHeader('Tus-Version', TUS_VERSION);
    // The answer to a HEAD has no body.
    if (request.method === 'HEAD') response.setHeader('X-Cis490-Problem', code);
    sendAnswer(response, problemAnswer(code, detail, requestId, extras));
    return;
  }
  const { location } = outcome.headers;
  const expiresAt = unfinished.expiresAt(location?.split('/').at(-1) ?? uploadId ?? '');
  const expires = expiresAt === undefined || request.method === 'DELETE' ? {} : { 'Upload-Expires': expiresAt };
  const length = outcome.status === 201 ? { 'Content-Length': '0' } : {};
  response.writeHead(outcome.status, { ...outcome.headers, ...expires, ...length });
  response.end();
}

/** `stored`, `duplicate`, or the problem code, when the episode was judged by it. */
function verdictOf(
  { request, attempt }: UploadExchange,
  outcome: UploadOutcome,
): ProblemCode | 'stored' | 'duplicate' | undefined {
  if (outcome.kind === 'refused') {
    const brings = request.method === 'POST' || request.method === 'PATCH' || attempt.meter !== undefined;
    return brings && !OF_TUS.has(outcome.code) ? outcome.code : undefined;
  }
  return 'verdict' in outcome ? outcome.verdict?.kind : undefined;
}

/** The lines that other programs read. Metadata may have any character in it: as in a target, none of them is white space. */
function tellAsPut(
  { logger, authenticator }: UploadRouteDependencies,
  { request, requestId, attempt }: UploadExchange,
  code: ProblemCode | 'stored' | 'duplicate',
): void {
  const [rawHostId, rawEpisodeId] = [attempt.rawHostId, attempt.rawEpisodeId].map(encodeURIComponent) as [
    string,
    string,
  ];
  if (rawHostId === '' || rawEpisodeId === '') return;
  const isRefused = code !== 'stored' && code !== 'duplicate';
  if (isRefused) logRejected(logger, { rawHostId, rawEpisodeId, requestId }, code);
  const status = isRefused ? PROBLEMS[code][0] : code === 'stored' ? 201 : 200;
  const target = `/v1/episodes/${rawHostId}/${rawEpisodeId}.tar.zst`;
  logger.info(`${authenticator.clientOf(request)} - "PUT ${target} HTTP/${request.httpVersion}" ${status}`);
}
