// A receiver that is there and takes nothing now: each request is answered 503 with Retry-After, and counted.

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { TestContext } from 'node:test';

export class BusyReceiver {
  readonly #server: Server;
  /** Method and path of each request that came. */
  readonly requests: string[] = [];
  connections = 0;

  private constructor(retryAfterS: number) {
    this.#server = createServer((request, response) => {
      this.requests.push(`${request.method} ${request.url}`);
      request.resume();
      response.writeHead(503, { 'Content-Type': 'application/problem+json', 'Retry-After': String(retryAfterS) });
      response.end(JSON.stringify({ title: 'Not ready', status: 503, code: 'not-ready', detail: 'busy' }));
    });
    this.#server.on('connection', () => {
      this.connections += 1;
    });
  }

  static async start(t: TestContext, port: number, retryAfterS: number): Promise<BusyReceiver> {
    const busy = new BusyReceiver(retryAfterS);
    await once(busy.#server.listen(port, '127.0.0.1'), 'listening');
    t.after(() => busy.close());
    return busy;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}
