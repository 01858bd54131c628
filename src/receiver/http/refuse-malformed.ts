// What is no well-formed HTTP gets a problem and the end of its connection: in its turn, never in the middle of another answer, and once.

import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { HEADER } from '../../protocol/headers.ts';
import type { ProblemCode } from '../../protocol/problem.ts';
import type { LingeringCloser } from './lingering-close.ts';
import type { OneAtATime } from './one-at-a-time.ts';
import { problemAnswer, sendAnswer } from './problem-answer.ts';

export interface MalformedDependencies {
  lingering: LingeringCloser;
  limits: { headersMs: number };
}

export class MalformedRefuser {
  readonly #dependencies: MalformedDependencies;
  readonly #turns: OneAtATime;
  readonly #refused = new WeakSet<Socket>();

  constructor(dependencies: MalformedDependencies, turns: OneAtATime) {
    this.#dependencies = dependencies;
    this.#turns = turns;
  }

  /** With each `clientError`: Node tells one for every piece that comes after the first, too. */
  async refuse(error: Error & { code?: string }, socket: Socket): Promise<void> {
    const answer = malformedAs(error.code, this.#dependencies.limits);
    // Before the look at `writable`: one that lingers is not, and must not be reset while its answer is on the way.
    if (answer && this.#refused.has(socket)) return;
    if (!answer || !socket.writable) {
      socket.destroy();
      return;
    }
    this.#refused.add(socket);
    const { lingering } = this.#dependencies;
    const unfinished = this.#turns.unfinished(socket);
    if (unfinished && !unfinished.response.headersSent) {
      const { request, response } = unfinished;
      const requestId = String(response.getHeader(HEADER.requestId) ?? randomUUID());
      response.setHeader(HEADER.requestId, requestId);
      lingering.closeAfter(request, response);
      // Once it is answered, Node forgets it: whoever waits for more of its body would wait for ever.
      socket.once('close', () => request.destroy());
      sendAnswer(response, problemAnswer(...answer, requestId));
      return;
    }
    await this.#turns.over(socket);
    if (!socket.writable) return;
    // The answer to a body that turns out malformed only now has been given.
    if (!unfinished) write(socket, answer);
    lingering.close(socket);
  }
}

/** There is no request to answer, only a socket. */
function write(socket: Socket, answer: [code: ProblemCode, detail: string]): void {
  const requestId = randomUUID();
  const { status, headers, body } = problemAnswer(...answer, requestId);
  const fields = {
    ...headers,
    'X-Request-Id': requestId,
    'Content-Length': Buffer.byteLength(body),
    Connection: 'close',
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
}

/** Undefined: the connection itself failed, and nobody is left to read an answer. */
function malformedAs(
  code: string | undefined,
  { headersMs }: MalformedDependencies['limits'],
): [code: ProblemCode, detail: string] | undefined {
  if (code === 'HPE_HEADER_OVERFLOW') return ['headers-too-large', 'the headers are larger than 16 KiB'];
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return ['request-timeout', `the headers did not arrive within ${headersMs / 1000} s`];
  return code?.startsWith('HPE_') ? ['bad-request', 'the request is not well-formed HTTP/1.1'] : undefined;
}
