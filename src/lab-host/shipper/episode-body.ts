// The body of one PUT, or what is left of it: asks for leave where it is large, goes no faster than it may, and stops when the answer is
// already there.

import type { ClientRequest } from 'node:http';
import type { AfterStep } from '../../lib/after-step.ts';
import { AppError, messageOf } from '../../lib/app-error.ts';
import type { RequestBody } from '../transport/exchange.ts';
import type { BandwidthLimit } from './bandwidth-limit.ts';
import type { PackedEpisode } from './pack-episode.ts';
import { readPieces } from './read-pieces.ts';
import type { ShipperStep } from './shipper-step.ts';

// A server that does not know Expect says nothing; after this the body is sent (RFC 9110, 10.1.1; curl waits as long).
const CONTINUE_WAIT_MS = 1_000;
const READ_BYTES = 256 * 1024;

export interface EpisodeBodyOptions {
  bandwidthLimit: BandwidthLimit | undefined;
  afterStep: AfterStep<ShipperStep>;
  /** Bytes as they leave; 0 when none could leave and earlier ones arrived. */
  onSent: (bytes: number) => void;
}

/** Of one request. */
export interface BodyPart {
  /** What the receiver has already is left out. */
  fromBytes: number;
  steps: { begun: ShipperStep; sent: ShipperStep };
  /** `known`: the server is known to serve Expect, so its silence is no leave. */
  expect: 'perhaps-unknown' | 'known';
}

const WHOLE: BodyPart = {
  fromBytes: 0,
  steps: { begun: 'put-started', sent: 'put-body-sent' },
  expect: 'perhaps-unknown',
};

export class EpisodeBody implements RequestBody {
  readonly #episode: PackedEpisode;
  readonly #options: EpisodeBodyOptions;
  readonly #stopped = new AbortController();
  readonly #part: BodyPart;
  #isHeldBack = false;
  /** Whether anything of it was handed to the connection. */
  hasBegun = false;

  constructor(episode: PackedEpisode, options: EpisodeBodyOptions, part: Partial<BodyPart> = {}) {
    this.#episode = episode;
    this.#options = options;
    this.#part = { ...WHOLE, ...part };
  }

  get isHeldBack(): boolean {
    return this.#isHeldBack;
  }

  stop(): void {
    this.#stopped.abort();
  }

  moved(): void {
    this.#options.onSent(0);
  }

  async send(request: ClientRequest): Promise<void> {
    if (request.getHeader('Expect')) await this.#leave(request);
    if (this.#stopped.signal.aborted) return;
    const { fromBytes, steps } = this.#part;
    this.#options.afterStep(steps.begun);
    this.hasBegun = true;
    let leftBytes = this.#episode.sizeBytes - fromBytes;
    for await (const piece of this.#pieces()) {
      await this.#takeTurn(piece.byteLength);
      if (this.#stopped.signal.aborted) return;
      leftBytes -= piece.byteLength;
      this.#options.onSent(piece.byteLength);
      if (leftBytes === 0) {
        request.end(piece);
        break;
      }
      await this.#write(request, piece);
    }
    if (leftBytes > 0) throw unreadable(this.#episode.tarballPath, `it ends ${leftBytes} bytes too early`);
    if (this.#episode.sizeBytes === 0) request.end();
    this.#options.afterStep(steps.sent);
  }

  /** Each holds good until the next is asked for. */
  async *#pieces(): AsyncGenerator<Buffer> {
    const { tarballPath, sizeBytes } = this.#episode;
    const mostBytes = this.#options.bandwidthLimit?.pieceBytes ?? READ_BYTES;
    try {
      for await (const chunk of readPieces(tarballPath, sizeBytes, READ_BYTES, this.#part.fromBytes)) {
        for (let from = 0; from < chunk.byteLength; from += mostBytes) yield chunk.subarray(from, from + mostBytes);
      }
    } catch (error) {
      throw unreadable(tarballPath, messageOf(error), error);
    }
  }

  /** Resolves when it has left, or when no more is wanted: of a request that never got a connection nothing else tells. */
  async #write(request: ClientRequest, piece: Buffer): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onStop = () => resolve();
    this.#stopped.signal.addEventListener('abort', onStop);
    request.write(piece, (error) => (error ? reject(error) : resolve()));
    await promise.finally(() => this.#stopped.signal.removeEventListener('abort', onStop));
  }

  async #takeTurn(bytes: number): Promise<void> {
    const { bandwidthLimit } = this.#options;
    if (!bandwidthLimit) return;
    this.#isHeldBack = true;
    await bandwidthLimit.take(bytes, this.#stopped.signal);
    this.#isHeldBack = false;
  }

  /** Resolves on 100, when the server keeps silent too long, or when the answer is already there. */
  async #leave(request: ClientRequest): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#stopped.signal.addEventListener('abort', () => resolve());
    request.once('continue', resolve);
    if (this.#part.expect === 'perhaps-unknown')
      request.once('socket', (socket) => {
        const wait = () => setTimeout(resolve, CONTINUE_WAIT_MS).unref();
        if (socket.connecting) socket.once('connect', wait);
        else wait();
      });
    request.flushHeaders();
    await promise;
  }
}

function unreadable(path: string, why: string, cause?: unknown): AppError {
  return new AppError('tarball-unreadable', `${path} cannot be read: ${why}`, { cause });
}
