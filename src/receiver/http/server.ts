// The HTTP server: Node's own for connections and the episode PUT, hono for everything else.

import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import { createServer as createTlsServer, type ServerOptions as TlsServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { HEADER } from '../../protocol/headers.ts';
import type { ProblemCode } from '../../protocol/problem.ts';
import type { PaceLimits } from './body-pace.ts';
import { ConnectionLimit } from './connection-limit.ts';
import { OneAtATime } from './one-at-a-time.ts';
import { problemAnswer, sendAnswer } from './problem-answer.ts';
import type { RouteDependencies } from './route-dependencies.ts';
import { putEpisode } from './routes/put-episode.ts';
import { createRoutes } from './routes.ts';

export interface ServerLimits {
  /** For the whole of a request's headers, from the connection's or the last answer's end. */
  headersMs: number;
  /** For the handshake of a TLS connection. */
  handshakeMs: number;
  /** A connection may wait this long for its next request. */
  keepAliveMs: number;
  connections: number;
  pace: PaceLimits;
}

export interface ServerDependencies extends RouteDependencies {
  limits: ServerLimits;
}

const EPISODE_TARGET = /^\/v1\/episodes\/([^/]*)\/([^/]*)$/;
// Forms that a URL library would fold into another path. No id, and so no target of ours, needs any of them.
const FOLDABLE = /%|\\|\/\/|\/\.{1,2}(?:\/|$)|#/;
const MOST_LISTENERS = 20;
// How often connections are looked at for the two limits above.
const LOOK_EVERY_MS = 5_000;
// Node drops connections above its own limit without looking which: ours makes room before that.
const HANDSHAKES = 1_024;
// Sent twice, nobody can tell which one a proxy has looked at. Node itself takes the first and drops the others.
const SINGLE_HEADERS = ['authorization', 'host', 'content-length', 'transfer-encoding', 'expect', 'content-type'];

/** `tls` is undefined for plain HTTP. */
export function createReceiverServer(dependencies: ServerDependencies, tls: TlsServerOptions | undefined): Server {
  const { limits } = dependencies;
  const routes = getRequestListener(createRoutes(dependencies).fetch, { autoCleanupIncoming: false });
  const connections = new ConnectionLimit(limits.connections);
  const turns = new OneAtATime();

  const answer = async (request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean) => {
    const requestId = randomUUID();
    response.setHeader(HEADER.requestId, requestId);
    const malformed = findMalformed(request);
    if (malformed) {
      dependencies.lingering.prepare(request, response, awaitsContinue);
      sendAnswer(response, problemAnswer(...malformed, requestId));
      return;
    }
    const episode = request.method === 'PUT' ? EPISODE_TARGET.exec(request.url ?? '') : null;
    if (!episode) return await routes(request, response);
    const [, rawHostId = '', rawName = ''] = episode;
    await putEpisode(dependencies, { request, response, requestId, rawHostId, rawName, awaitsContinue });
  };
  const handle = (request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean) => {
    const { socket } = request;
    connections.busy(socket);
    // A streamed answer has a dozen: Node's pipeline alone adds seven.
    response.setMaxListeners(MOST_LISTENERS);
    response.once('close', () => connections.idle(socket));
    turns.run(socket, response, () => answer(request, response, awaitsContinue));
  };

  const options = {
    requestTimeout: 0,
    headersTimeout: limits.headersMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: Math.min(LOOK_EVERY_MS, limits.headersMs),
    // Answered by us, as a problem.
    requireHostHeader: false,
  };
  const server = tls
    ? createTlsServer({ ...options, ...tls, handshakeTimeout: limits.handshakeMs })
    : createServer(options);
  server.on('request', (request: IncomingMessage, response: ServerResponse) => handle(request, response, false));
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => handle(request, response, true));
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    const requestId = randomUUID();
    response.setHeader(HEADER.requestId, requestId);
    dependencies.lingering.prepare(request, response, true);
    sendAnswer(response, problemAnswer('expectation-failed', 'Expect knows 100-continue only', requestId));
  });
  server.on('clientError', (error: Error & { code?: string }, socket: Socket) =>
    answerMalformedRequest(error, socket, limits),
  );
  server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => connections.opened(socket));
  // A client that breaks off its handshake is no event.
  server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy());
  server.maxConnections = limits.connections + HANDSHAKES;
  return server;
}

function findMalformed(request: IncomingMessage): [code: ProblemCode, detail: string] | undefined {
  const [path = ''] = (request.url ?? '').split('?', 1);
  const isEpisodePut = request.method === 'PUT' && EPISODE_TARGET.test(request.url ?? '');
  if (!isEpisodePut && (!path.startsWith('/') || FOLDABLE.test(path))) {
    return ['bad-target', 'the path must be plain: no escapes, dot segments or empty segments'];
  }
  for (const name of SINGLE_HEADERS) {
    if ((request.headersDistinct[name]?.length ?? 0) > 1) return ['bad-request', `${name} is there more than once`];
  }
  if (request.headers.host === undefined && request.httpVersion === '1.1') return ['bad-request', 'Host is missing'];
  return undefined;
}

/** What is no HTTP at all: llhttp has refused it, there is no request to answer, only a socket. */
function answerMalformedRequest(error: Error & { code?: string }, socket: Socket, limits: ServerLimits): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const requestId = randomUUID();
  const [code, detail] = malformedAs(error.code, limits);
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

function malformedAs(code: string | undefined, { headersMs }: ServerLimits): [code: ProblemCode, detail: string] {
  if (code === 'HPE_HEADER_OVERFLOW') return ['headers-too-large', 'the headers are larger than 16 KiB'];
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return ['request-timeout', `the headers did not arrive within ${headersMs / 1000} s`];
  return ['bad-request', 'the request is not well-formed HTTP/1.1'];
}
