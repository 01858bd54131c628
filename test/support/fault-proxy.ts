// A link between a shipper and a receiver that does what it is told: it cuts, resets, stalls, loses answers, drips, or goes silent.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

// What the proxy itself keeps of a dripping connection: the rest waits where it comes from.
const MOST_WAITING_BYTES = 512 * 1024;

// RFC 8446, 5.1: the type of the first record.
const TLS_HANDSHAKE = 22;

/** What becomes of one connection. Bytes are counted from the lab host to the receiver, headers included. */
export type LinkFault =
  | { kind: 'none' }
  /** Both sides see the connection end. */
  | { kind: 'cut'; atByte: number }
  /** Both sides see a reset. */
  | { kind: 'reset'; atByte: number }
  /** Nothing passes any more, either way, and neither side is told: not even when the other has given up. */
  | { kind: 'stall'; atByte: number }
  /** The request passes; its answer is dropped, and then the connection is cut. */
  | { kind: 'lose-answer' }
  /** What comes from the lab host waits for `letThrough`. */
  | { kind: 'drip' }
  /** After so many answers the connection is as in `stall`, between two requests. */
  | { kind: 'half-open'; afterAnswers: number };

/** Only of connections whose first request brings bytes of an episode, a PUT or a PATCH, or that are TLS: small requests pass. */
export class FaultProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #plan: LinkFault[];
  readonly #toPort: number;
  #dripped: Buffer = Buffer.alloc(0);
  #dripTo: { from: Socket; to: Socket } | undefined;
  /** How many connections brought a PUT or a PATCH, or were TLS. */
  uploads = 0;
  /** All that went on to the receiver, headers included. */
  passedBytes = 0;

  private constructor(toPort: number, plan: readonly LinkFault[]) {
    this.#toPort = toPort;
    this.#plan = [...plan];
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  /** `plan`: one fault for each connection of those, in order; the connections after those are without. */
  static async start(t: TestContext, toPort: number, plan: readonly LinkFault[]): Promise<FaultProxy> {
    const proxy = new FaultProxy(toPort, plan);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    t.after(() => {
      proxy.#server.close();
      for (const socket of proxy.#sockets) socket.destroy();
    });
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Lets at most so many of the bytes through that wait on a dripping connection. */
  letThrough(bytes: number): void {
    if (!this.#dripTo) return;
    const { from, to } = this.#dripTo;
    const passed = this.#dripped.subarray(0, bytes);
    this.passedBytes += passed.byteLength;
    to.write(passed);
    this.#dripped = this.#dripped.subarray(bytes);
    if (this.#dripped.byteLength < MOST_WAITING_BYTES) from.resume();
  }

  #accept(host: Socket): void {
    this.#track(host);
    host.once('data', (first: Buffer) => {
      const isUpload = first[0] === TLS_HANDSHAKE || /^(?:PUT|PATCH) /.test(first.toString('latin1', 0, 6));
      if (isUpload) this.uploads += 1;
      const fault: LinkFault = (isUpload ? this.#plan.shift() : undefined) ?? { kind: 'none' };
      const receiver = this.#track(connect(this.#toPort, '127.0.0.1'));
      this.#join(host, receiver, fault);
      host.emit('data', first);
    });
  }

  #join(host: Socket, receiver: Socket, fault: LinkFault): void {
    let sentBytes = 0;
    let answers = 0;
    let isSilent = false;
    const cut = () => {
      host.destroy();
      receiver.destroy();
    };
    host.on('close', () => isSilent || receiver.destroy());
    receiver.on('close', () => isSilent || host.destroy());
    host.on('end', () => isSilent || receiver.end());
    receiver.on('end', () => isSilent || host.end());
    if (fault.kind === 'drip') this.#dripTo = { from: host, to: receiver };
    host.on('data', (bytes: Buffer) => {
      if (isSilent) return;
      if (fault.kind === 'drip') {
        this.#dripped = Buffer.concat([this.#dripped, bytes]);
        if (this.#dripped.byteLength >= MOST_WAITING_BYTES) host.pause();
        return;
      }
      const leftBytes = 'atByte' in fault ? Math.max(0, fault.atByte - sentBytes) : bytes.byteLength;
      sentBytes += bytes.byteLength;
      if (!('atByte' in fault) || leftBytes > bytes.byteLength) {
        this.passedBytes += bytes.byteLength;
        receiver.write(bytes);
        return;
      }
      // So that the receiver has read them before it hears of the end.
      this.passedBytes += leftBytes;
      receiver.write(bytes.subarray(0, leftBytes), () => {
        if (fault.kind === 'cut') cut();
        if (fault.kind === 'reset') {
          host.resetAndDestroy();
          receiver.resetAndDestroy();
        }
      });
      isSilent ||= fault.kind === 'stall';
    });
    receiver.on('data', (bytes: Buffer) => {
      if (isSilent) return;
      const isFinal = /^HTTP\/1\.1 [2-5]/.test(bytes.toString('latin1', 0, 16));
      if (fault.kind === 'lose-answer' && isFinal) return cut();
      host.write(bytes);
      if (isFinal) answers += 1;
      isSilent ||= fault.kind === 'half-open' && answers >= fault.afterAnswers;
    });
  }

  #track(socket: Socket): Socket {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    return socket;
  }
}
