// The HTTP server: Node's own for connections and the episode PUT, hono for everything else.

import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { Clock } from '../../lib/clock.ts';
import { HEADER } from '../../protocol/headers.ts';
import type { ProblemCode } from '../../protocol/problem.ts';
import type { Authenticator } from './authentication.ts';
import { problemAnswer, sendAnswer } from './problem-answer.ts';
import { answerProblem, type RouteEnvironment } from './route-environment.ts';
import { registerPing } from './routes/ping.ts';
import { type PutEpisodeDependencies, putEpisode } from './routes/put-episode.ts';
import { registerReadEpisode } from './routes/read-episode.ts';

// A connection that moves nothing for this long is dropped; there is no limit on a whole request's time.
const IDLE_MS = 60_000;
const HEADERS_MS = 20_000;
const KEEP_ALIVE_MS = 75_000;

const EPISODE_TARGET = /^\/v1\/episodes\/([^/]*)\/([^/]*)$/;
// Forms that a URL library would fold into another path. No id, and so no target of ours, needs any of them.
const FOLDABLE = /%|\\|\/\/|\/\.{1,2}(?:\/|$)|#/;

export interface ServerDependencies extends PutEpisodeDependencies {
  authenticate: Authenticator;
  clock: Clock;
  /** The commit that this receiver runs, for ping. */
  version: string | null;
}

export function createReceiverServer(dependencies: ServerDependencies): Server {
  const routes = getRequestListener(createRoutes(dependencies).fetch);
  const handle = (request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean) => {
    const requestId = randomUUID();
    response.setHeader(HEADER.requestId, requestId);
    const target = request.url ?? '';
    const episode = request.method === 'PUT' ? EPISODE_TARGET.exec(target) : null;
    if (episode) {
      const [, rawHostId = '', rawName = ''] = episode;
      void putEpisode(dependencies, { request, response, requestId, rawHostId, rawName, awaitsContinue });
      return;
    }
    const [path = ''] = target.split('?', 1);
    if (!path.startsWith('/') || FOLDABLE.test(path)) {
      dependencies.lingering.prepare(request, response, awaitsContinue);
      sendAnswer(
        response,
        problemAnswer('bad-target', 'the path must be plain: no escapes, dot segments or empty segments', requestId),
      );
      return;
    }
    if (awaitsContinue) response.writeContinue();
    void routes(request, response);
  };

  const server = createServer(
    { requestTimeout: 0, headersTimeout: HEADERS_MS, keepAliveTimeout: KEEP_ALIVE_MS },
    (request, response) => handle(request, response, false),
  );
  server.timeout = IDLE_MS;
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => handle(request, response, true));
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    const requestId = randomUUID();
    response.setHeader(HEADER.requestId, requestId);
    dependencies.lingering.prepare(request, response, true);
    sendAnswer(response, problemAnswer('expectation-failed', 'Expect knows 100-continue only', requestId));
  });
  server.on('clientError', answerMalformedRequest);
  return server;
}

function createRoutes(dependencies: ServerDependencies): OpenAPIHono<RouteEnvironment> {
  const app = new OpenAPIHono<RouteEnvironment>();
  app.get('/healthz', (context) => context.json({ ok: true }));
  app.all('/healthz', only('GET, HEAD'));
  app.use('*', async (context, next) => {
    const authentication = dependencies.authenticate(context.req.method, context.env.incoming.headers);
    if (authentication.kind === 'refused') {
      return answerProblem(context, authentication.code, authentication.detail);
    }
    context.set('principal', authentication.principal);
    await next();
    return undefined;
  });
  registerPing(app, dependencies);
  registerReadEpisode(app, dependencies);
  app.all('/v1/ping', only('POST'));
  app.all('/v1/episodes/:host/:name', only('GET, HEAD, PUT'));
  app.notFound((context) =>
    answerProblem(context, 'not-found', `nothing is served at ${context.req.method} ${context.req.path}`),
  );
  app.onError((error, context) => {
    dependencies.logger.error({ err: error, path: context.req.path }, 'request failed');
    return answerProblem(context, 'internal-error', 'the receiver failed; its log has the cause under this request_id');
  });
  return app;
}

/** A path that is served, asked in a way that it does not know (RFC 9110, 15.5.6). */
function only(allow: string): (context: Context<RouteEnvironment>) => Response {
  return (context) => {
    const answer = answerProblem(context, 'method-not-allowed', `${context.req.path} knows ${allow}`);
    answer.headers.set('Allow', allow);
    return answer;
  };
}

/** What is no HTTP at all: llhttp has refused it, there is no request to answer, only a socket. */
function answerMalformedRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const requestId = randomUUID();
  const [code, detail] = MALFORMED[error.code ?? ''] ?? ['bad-request', 'the request is not well-formed HTTP/1.1'];
  const { status, headers, body } = problemAnswer(code, detail, requestId);
  const fields = {
    ...headers,
    'X-Request-Id': requestId,
    'Content-Length': Buffer.byteLength(body),
    Connection: 'close',
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
}

const MALFORMED: Record<string, [code: ProblemCode, detail: string]> = {
  HPE_HEADER_OVERFLOW: ['headers-too-large', 'the headers are larger than 16 KiB'],
  ERR_HTTP_REQUEST_TIMEOUT: ['request-timeout', `the headers did not arrive within ${HEADERS_MS / 1000} s`],
};
