// The HTTP server: Node's own for connections the episode PUT and uploads, hono for everything else.

import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions as TlsServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import { getRequestListener, RequestError } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { HEADER } from '../../protocol/headers.ts';
import type { ProblemCode } from '../../protocol/problem.ts';
import type { PaceLimits } from './body-pace.ts';
import { ConnectionLimit } from './connection-limit.ts';
import { OneAtATime } from './one-at-a-time.ts';
import { problemAnswer, sendAnswer } from './problem-answer.ts';
import { MalformedRefuser } from './refuse-malformed.ts';
import type { RouteDependencies } from './route-dependencies.ts';
import type { RouteEnvironment } from './route-environment.ts';
import { putEpisode } from './routes/put-episode.ts';
import { readUploadTarget, serveUpload } from './routes/uploads.ts';
import { createRoutes } from './routes.ts';

export interface ServerLimits {
  /** For the whole of a request's headers, from the connection's or the last answer's end. */
  headersMs: number;
  /** For the handshake of a TLS connection. */
  handshakeMs: number;
  /** A connection may wait this long for its next request. */
  keepAliveMs: number;
  /** A client that takes nothing of its answer for this long is gone, whatever its connection says. A minute where it is left out. */
  readerStallMs?: number;
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
// How often connections are looked at for the limits of headers.
const LOOK_EVERY_MS = 5_000;
const READER_STALL_MS = 60_000;
// Connections that are still in their TLS handshake have room of their own.
const HANDSHAKES = 1_024;
// Ten times what any client or proxy sends. Node keeps a thousand and drops the rest unseen, and a proxy adds its Via at the end.
const MOST_HEADERS = 256;
// Sent twice, nobody can tell which one a proxy has looked at. Node itself takes the first of some and joins others.
const SINGLE_HEADERS = [
  'authorization',
  'host',
  'content-length',
  'transfer-encoding',
  'expect',
  'content-type',
  HEADER.dirty,
];

/** `tls` is undefined for plain HTTP. */
export function createReceiverServer(dependencies: ServerDependencies, tls: TlsServerOptions | undefined): Server {
  const { limits, lingering } = dependencies;
  const app = createRoutes(dependencies);
  const fetch = async (request: Request, environment: RouteEnvironment['Bindings']) => {
    const answer = await app.fetch(request, environment);
    // A body that turned out malformed while the endpoint waited for it has had its answer.
    return environment.outgoing.headersSent ? RESPONSE_ALREADY_SENT : answer;
  };
  const routes = getRequestListener(
    (request, environment) => fetch(request, environment as RouteEnvironment['Bindings']),
    {
      autoCleanupIncoming: false,
      // HTTP/1.0 knows no Host, and no answer of ours depends on it.
      hostname: 'localhost',
      errorHandler: (error) => {
        throw error;
      },
    },
  );
  const connections = new ConnectionLimit(limits.connections);
  const turns = new OneAtATime();
  const refuser = new MalformedRefuser(dependencies, turns);

  const answer = async (request: IncomingMessage, response: ServerResponse, expects: Expectation) => {
    const requestId = randomUUID();
    response.setHeader(HEADER.requestId, requestId);
    const exchange = { request, response, requestId, awaitsContinue: expects !== 'nothing' };
    const malformed = findMalformed(request, expects);
    const episode = request.method === 'PUT' ? EPISODE_TARGET.exec(request.url ?? '') : null;
    if (episode) {
      const [, rawHostId = '', rawName = ''] = episode;
      return await putEpisode(dependencies, { ...exchange, rawHostId, rawName, malformed });
    }
    if (malformed) {
      lingering.prepare(request, response, exchange.awaitsContinue);
      return sendAnswer(response, problemAnswer(...malformed, requestId));
    }
    const upload = readUploadTarget(request.method ?? '', request.url ?? '');
    if (upload) return await serveUpload(dependencies, { ...exchange, ...upload });
    await routes(request, response);
  };
  const answerFailure = (request: IncomingMessage, response: ServerResponse, error: unknown) => {
    // What the URL library refuses after our own look: a Host such as `1.2.3:80`.
    const isTheirs = error instanceof RequestError;
    if (!isTheirs) dependencies.logger.error({ err: error }, 'request failed');
    if (response.headersSent) return request.socket.destroy();
    lingering.prepare(request, response, request.headers.expect !== undefined);
    const requestId = String(response.getHeader(HEADER.requestId) ?? '');
    const problem = isTheirs
      ? problemAnswer('bad-request', 'Host or target is malformed', requestId)
      : problemAnswer('internal-error', 'the receiver failed; its log has the cause', requestId);
    return sendAnswer(response, problem);
  };
  const handle = (expects: Expectation) => (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    connections.busy(socket);
    // A streamed answer has a dozen: Node's pipeline alone adds seven.
    response.setMaxListeners(MOST_LISTENERS);
    turns.run(request, response, () => {
      answer(request, response, expects).catch((error: unknown) => answerFailure(request, response, error));
    });
    response.once('close', () => {
      if (!turns.isBusy(socket)) connections.idle(socket);
    });
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
  server.on('request', handle('nothing'));
  server.on('checkContinue', handle('continue'));
  server.on('checkExpectation', handle('something-else'));
  server.on('clientError', (error: Error & { code?: string }, socket: Socket) => void refuser.refuse(error, socket));
  server.timeout = limits.readerStallMs ?? READER_STALL_MS;
  server.on('timeout', (socket: Socket) => {
    // Quiet for good reason: we are at work, a follower waits for news, or a body comes, which has a pace of its own.
    if (!turns.isBusy(socket) || socket.writableLength > 0) socket.destroy();
  });
  if (tls) boundHandshakes(server);
  server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => connections.opened(socket));
  // A client that breaks off its handshake is no event.
  server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy());
  return server;
}

type Expectation = 'nothing' | 'continue' | 'something-else';

/** Whoever has been longest at its handshake makes room for the next. */
function boundHandshakes(server: Server): void {
  const handshakes = new ConnectionLimit(HANDSHAKES);
  // A TLS socket does not tell the one that it wraps, but both have the same peer.
  const byPeer = new Map<string, Socket>();
  const peerOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`;
  server.prependListener('connection', (socket: Socket) => {
    const peer = peerOf(socket);
    handshakes.opened(socket);
    byPeer.set(peer, socket);
    socket.once('close', () => byPeer.delete(peer));
  });
  server.on('secureConnection', (socket: Socket) => {
    const wrapped = byPeer.get(peerOf(socket));
    if (wrapped) handshakes.left(wrapped);
  });
}

function findMalformed(
  request: IncomingMessage,
  expects: Expectation,
): [code: ProblemCode, detail: string] | undefined {
  // Node takes a bare `GET /path` for HTTP/0.9.
  if (!['1.0', '1.1'].includes(request.httpVersion)) return ['bad-request', 'HTTP/1.1 and 1.0 are spoken here'];
  if (request.rawHeaders.length > 2 * MOST_HEADERS) return ['headers-too-large', `more than ${MOST_HEADERS} headers`];
  const [path = ''] = (request.url ?? '').split('?', 1);
  const isEpisodePut = request.method === 'PUT' && EPISODE_TARGET.test(request.url ?? '');
  if (!isEpisodePut && (!path.startsWith('/') || FOLDABLE.test(path))) {
    return ['bad-target', 'the path must be plain: no escapes, dot segments or empty segments'];
  }
  for (const name of SINGLE_HEADERS) {
    if ((request.headersDistinct[name]?.length ?? 0) > 1) return ['bad-request', `${name} is there more than once`];
  }
  if (request.headers.host === undefined && request.httpVersion === '1.1') return ['bad-request', 'Host is missing'];
  if (expects === 'something-else') return ['expectation-failed', 'Expect knows 100-continue only'];
  const coding = request.headers['transfer-encoding'] ?? 'chunked';
  if (!isEpisodePut && coding.trim().toLowerCase() !== 'chunked') {
    return ['encoding-refused', 'of transfer codings only chunked is taken'];
  }
  return undefined;
}
