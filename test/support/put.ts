// A plain client for the tests: one raw request on its own connection, and what came back.

import { type IncomingHttpHeaders, request } from 'node:http';
import { sha256 } from './episodes.ts';
import { GOOD_COMMIT } from './fleet.ts';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** The body as JSON; an empty object when it is none. */
  json: Record<string, unknown>;
}

export interface SendOptions {
  method?: string;
  headers?: Record<string, string>;
  body?: Uint8Array | string;
}

/** Sends the target exactly as given: no URL library folds it. */
export function send(
  port: number,
  target: string,
  { method = 'GET', headers = {}, body }: SendOptions = {},
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const outgoing = request({ host: '127.0.0.1', port, method, path: target, headers, agent: false });
  outgoing.on('error', reject);
  outgoing.on('response', (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    response.on('error', reject);
    response.on('end', () =>
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: parseObject(text) }),
    );
  });
  outgoing.end(body);
  return promise;
}

/** A PUT as a good client makes it; `headers` adds, or with an empty value takes away. */
export function put(
  port: number,
  target: string,
  body: Uint8Array | string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const all: Record<string, string> = {
    'X-Content-SHA256': sha256(body),
    'X-Cis490-Code-Commit': GOOD_COMMIT,
    ...headers,
  };
  const sent = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
  return send(port, target, { method: 'PUT', headers: sent, body });
}

function parseObject(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
