// A reverse proxy between lab hosts and a receiver: it hands everything on, or refuses everything with one answer, and counts.

import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  request as openRequest,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface Refusal {
  status: number;
  contentType: string;
  body: string;
}

export class RefusingProxy {
  readonly #server: Server;
  readonly #toPort: number;
  readonly #putsUnderWay = new Map<string, number>();
  #refusal: Refusal | undefined;
  /** `PUT /path` and the like, of each request that came, in order. */
  readonly requests: string[] = [];
  /** The most PUTs of one host that were under way at the same time; may be set back. */
  mostPutsAtOnce = 0;

  private constructor(toPort: number) {
    this.#toPort = toPort;
    this.#server = createServer();
    this.#server.on('request', (request, response) => this.#answer(request, response));
    this.#server.on('checkContinue', (request, response) => this.#answer(request, response));
  }

  static async start(t: TestContext, toPort: number): Promise<RefusingProxy> {
    const proxy = new RefusingProxy(toPort);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    t.after(() => {
      proxy.#server.close();
      proxy.#server.closeAllConnections();
    });
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From the next request on; undefined hands on again. */
  refuse(refusal: Refusal | undefined): void {
    this.#refusal = refusal;
  }

  /** How many PUTs of episodes came from this host. */
  puts(hostId: string): number {
    return this.requests.filter((line) => line.startsWith(`PUT /v1/episodes/${hostId}/`)).length;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const line = `${request.method} ${request.url}`;
    this.requests.push(line);
    const hostId = /^PUT \/v1\/episodes\/([^/]+)\//.exec(line)?.[1];
    if (hostId !== undefined) this.#countWhileUnderWay(hostId, response);
    if (this.#refusal) refuseWith(this.#refusal, request, response);
    else this.#handOn(request, response);
  }

  #countWhileUnderWay(hostId: string, response: ServerResponse): void {
    const change = (by: number) => {
      const count = (this.#putsUnderWay.get(hostId) ?? 0) + by;
      this.#putsUnderWay.set(hostId, count);
      this.mostPutsAtOnce = Math.max(this.mostPutsAtOnce, count);
    };
    change(1);
    response.once('close', () => change(-1));
  }

  #handOn(request: IncomingMessage, response: ServerResponse): void {
    const { method, url, headers } = request;
    const onward = openRequest({ host: '127.0.0.1', port: this.#toPort, method, path: url, headers, agent: false });
    onward.on('continue', () => response.writeContinue());
    onward.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  }
}

function refuseWith({ status, contentType, body }: Refusal, request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  response.writeHead(status, { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}
