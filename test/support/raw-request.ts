// A client that sends bytes exactly as they are told, and takes apart what comes back by the rules of RFC 9112 alone.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  status: number;
  /** Lower-case names; of several of one name, the last. */
  headers: Record<string, string>;
  body: string;
}

export interface RawExchange {
  /** In the order in which they came; interim answers (1xx) are left out. */
  answers: RawAnswer[];
  /** What no answer begins with, or that one that was cut off. Empty when every byte belongs to a whole answer. */
  rest: string;
  wasReset: boolean;
}

export interface RawOptions {
  /** Of each request in order, where it is not GET: answers to HEAD have no body. */
  methods?: readonly string[];
  /** Half-close once all is sent. */
  endsSending?: boolean;
  /** Leave after so many whole answers; else the server ends the connection. */
  leaveAfter?: number;
}

/** Latin-1: each character is one byte. */
export async function sendRaw(
  port: number,
  bytes: string | Uint8Array,
  options: RawOptions = {},
): Promise<RawExchange> {
  const socket = await openRaw(port);
  socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  if (options.endsSending) socket.end();
  return await readAnswers(socket, options);
}

export async function openRaw(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  // A server that closes while we still send is what these tests are about.
  socket.on('error', () => undefined);
  return socket;
}

/** Reads until the server ends, the connection breaks, or enough has come; then closes. */
export async function readAnswers(
  socket: Socket,
  { methods = [], leaveAfter = Number.POSITIVE_INFINITY }: RawOptions = {},
): Promise<RawExchange> {
  let text = '';
  let wasReset = false;
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.on('error', (error: Error & { code?: string }) => {
    wasReset = error.code === 'ECONNRESET';
    resolve();
  });
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    if (leaveAfter !== Number.POSITIVE_INFINITY && parseAnswers(text, methods).answers.length >= leaveAfter) resolve();
  });
  socket.on('end', resolve);
  socket.on('close', () => resolve());
  await promise;
  socket.destroy();
  return { ...parseAnswers(text, methods), wasReset };
}

const HEAD = /^HTTP\/1\.1 ([1-5]\d\d) [ -~]*\r\n((?:[A-Za-z0-9-]+: ?[\t -~\x80-\xff]*\r\n)*)\r\n/;

export function parseAnswers(text: string, methods: readonly string[] = []): { answers: RawAnswer[]; rest: string } {
  const answers: RawAnswer[] = [];
  let rest = text;
  for (;;) {
    const head = HEAD.exec(rest);
    if (!head) return { answers, rest };
    const status = Number(head[1]);
    const after = rest.slice(head[0].length);
    if (status < 200) {
      rest = after;
      continue;
    }
    const headers: Record<string, string> = {};
    for (const line of (head[2] ?? '').split('\r\n').slice(0, -1)) {
      const colon = line.indexOf(':');
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
    const hasBody = methods[answers.length] !== 'HEAD' && status !== 204 && status !== 304;
    const body = hasBody ? readBody(headers, after) : { body: '', taken: 0 };
    if (!body) return { answers, rest };
    answers.push({ status, headers, body: body.body });
    rest = after.slice(body.taken);
  }
}

/** Undefined while it is not whole. */
function readBody(headers: Record<string, string>, text: string): { body: string; taken: number } | undefined {
  if (headers['transfer-encoding'] === 'chunked') return readChunks(text);
  const length = Number(headers['content-length'] ?? Number.NaN);
  if (Number.isNaN(length)) return { body: text, taken: text.length };
  return text.length < length ? undefined : { body: text.slice(0, length), taken: length };
}

function readChunks(text: string): { body: string; taken: number } | undefined {
  let body = '';
  for (let at = 0; ; ) {
    const size = /^([0-9a-f]+)\r\n/i.exec(text.slice(at, at + 20));
    if (!size?.[1]) return undefined;
    const length = Number.parseInt(size[1], 16);
    const from = at + size[0].length;
    if (text.length < from + length + 2) return undefined;
    body += text.slice(from, from + length);
    at = from + length + 2;
    if (length === 0) return { body, taken: at };
  }
}
