// A receiver for the tests of uploads: tus as its reference server speaks it, the PUT of an episode, and whatever a test answers in its place.

import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { FileStore } from '@tus/file-store';
import { Server } from '@tus/server';
import { eventually } from '../../../test/support/program.ts';
import { makeProblem, type ProblemCode } from '../../protocol/problem.ts';

export interface Seen {
  method: string;
  path: string;
  /** Of its body, as it came. */
  bytes: number;
  headers: IncomingMessage['headers'];
}

/** True when it has answered, or broken off. */
export type InPlace = (request: IncomingMessage, response: ServerResponse, seen: readonly Seen[]) => boolean;

export class TusReceiver {
  readonly seen: Seen[] = [];
  /** Looked at before each request is served. */
  inPlace: InPlace = () => false;
  /** Digests of what was brought whole by an upload: a PUT of them is a duplicate, and so is another creation. */
  readonly stored = new Set<string>();
  readonly directory: string;
  readonly #server = createServer();

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async start(t: TestContext, directory: string): Promise<TusReceiver> {
    const receiver = new TusReceiver(directory);
    const tus = new Server({
      path: '/v1/uploads',
      datastore: new FileStore({ directory }),
      relativeLocation: true,
      onUploadFinish: async (_request, { metadata }) => {
        receiver.stored.add(metadata?.['sha256'] ?? '');
        return {};
      },
    });
    const serve = (request: IncomingMessage, response: ServerResponse): unknown => {
      const [method = '', path = ''] = [request.method, request.url];
      const seen: Seen = { method, path, bytes: 0, headers: request.headers };
      receiver.seen.push(seen);
      if (receiver.inPlace(request, response, receiver.seen)) return true;
      const isStored = receiver.stored.has(String(request.headers['x-content-sha256']));
      if (path.startsWith('/v1/episodes/') && isStored) return answer(response, 200, { status: 'duplicate' });
      if (method === 'POST') {
        const { host_id, episode_id, sha256 = '' } = metadataOf(request);
        if (receiver.stored.has(sha256))
          return answer(response, 200, { status: 'duplicate', host_id, episode_id, sha256 });
      }
      if (request.headers.expect !== undefined) response.writeContinue();
      const push = request.push.bind(request);
      request.push = (chunk, ...more) => {
        seen.bytes += chunk?.byteLength ?? 0;
        return push(chunk, ...more);
      };
      if (path.startsWith('/v1/uploads')) return tus.handle(request, response);
      if (!path.startsWith('/v1/episodes/')) return answer(response, 404, { detail: 'Not Found' });
      return request.resume().on('end', () => answer(response, 201, { status: 'stored' }));
    };
    receiver.#server.on('request', serve).on('checkContinue', serve).listen(0, '127.0.0.1');
    await once(receiver.#server, 'listening');
    // The store makes it beside everything else.
    await eventually(() => existsSync(directory), 'the store has its directory');
    t.after(() => {
      receiver.#server.closeAllConnections();
      receiver.#server.close();
    });
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get methods(): string[] {
    return this.seen.map(({ method }) => method);
  }

  bytesOf(method: string): number {
    return this.seen.reduce((sum, it) => sum + (it.method === method ? it.bytes : 0), 0);
  }

  /** Files of uploads under way. */
  get files(): string[] {
    return readdirSync(this.directory)
      .filter((name) => !name.endsWith('.json'))
      .map((name) => join(this.directory, name));
  }
}

export function metadataOf({ headers }: Pick<IncomingMessage, 'headers'>): Record<string, string> {
  const pairs = String(headers['upload-metadata'])
    .split(',')
    .map((pair) => pair.split(' ') as [string, string]);
  return Object.fromEntries(pairs.map(([key, value]) => [key, Buffer.from(value ?? '', 'base64').toString()]));
}

export function answer(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): true {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, { 'Content-Type': 'application/json', Connection: 'close', ...headers }).end(text);
  return true;
}

export function problem(response: ServerResponse, code: ProblemCode): true {
  const { status, ...body } = makeProblem(code, `because of ${code}`, 'r-1', { remediation: 'cure' });
  return answer(response, status, { status, ...body }, { 'X-Cis490-Problem': code });
}
