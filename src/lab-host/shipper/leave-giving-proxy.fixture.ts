// Stands before a receiver as nginx does: it answers 100 by itself, takes the whole body, and only then asks the receiver.

import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { TestContext } from 'node:test';

export class LeaveGivingProxy {
  /** Of all requests, as they came. */
  bodyBytes = 0;
  readonly #server = createServer();

  static async start(t: TestContext, receiverUrl: string): Promise<LeaveGivingProxy> {
    const proxy = new LeaveGivingProxy();
    const serve = (request: IncomingMessage, response: ServerResponse) => {
      if (request.headers.expect !== undefined) response.writeContinue();
      proxy.#pass(request, response, receiverUrl).catch(() => response.destroy());
    };
    proxy.#server.on('request', serve).on('checkContinue', serve).listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    t.after(() => {
      proxy.#server.closeAllConnections();
      proxy.#server.close();
    });
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async #pass(request: IncomingMessage, response: ServerResponse, receiverUrl: string): Promise<void> {
    const body = await buffer(request);
    this.bodyBytes += body.byteLength;
    const { expect: _, ...headers } = request.headers;
    const passed = httpRequest(new URL(request.url ?? '/', receiverUrl), { method: request.method, headers });
    passed.end(body);
    const [answer] = (await once(passed, 'response')) as [IncomingMessage];
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  }
}
