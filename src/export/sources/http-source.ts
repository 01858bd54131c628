// Episodes from a receiver over HTTP. A connection that drops is taken up again where it broke, by Range and by the digest, so that the parts
// are of one file; a receiver that restarts is waited for.

import type { IncomingMessage } from 'node:http';
import { AppError, messageOf } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { parseJson } from '../../lib/parse-json.ts';
import { episodesAnswerSchema } from '../../protocol/answers.ts';
import { episodeTarget } from '../../protocol/ids.ts';
import type { SequencedRow } from '../../protocol/ledger-row.ts';
import { type EpisodeKey, EpisodeLoss, type EpisodeSource, type InLedger, keyText } from '../episode-source.ts';
import { isSelected, type Selection } from '../selection.ts';
import { explainError, explainRefusal, isOurs, isPassing, mayPass, noReceiver } from './explain-receiver.ts';
import { Patience } from './patience.ts';
import {
  type ReceiverAddress,
  type ReceiverAnswer,
  type ReceiverRequest,
  ReceiverRequests,
} from './receiver-request.ts';

const PAGE_ROWS = 1000;
const MOST_PAGE_BYTES = 256 * 1024 * 1024;
/** In a row, of one episode, by a receiver that does answer. */
const MOST_FAILURES = 6;

export interface HttpSourceOptions {
  receiver: ReceiverAddress;
  logger: Logger;
  clock: Clock;
  random: () => number;
}

type Refused = Extract<ReceiverAnswer, { kind: 'refused' }>;

export class HttpSource implements EpisodeSource {
  readonly name: string;
  readonly #requests: ReceiverRequests;
  readonly #patience: Patience;
  readonly #logger: Logger;

  constructor({ receiver, logger, clock, random }: HttpSourceOptions) {
    this.name = receiver.url;
    this.#requests = new ReceiverRequests(receiver);
    this.#patience = new Patience(clock, random);
    this.#logger = logger;
  }

  async *list(selection: Selection, signal: AbortSignal): AsyncGenerator<SequencedRow> {
    const query = new URLSearchParams({ limit: String(PAGE_ROWS) });
    // The receiver selects by one of each; for several all are asked for.
    for (const [name, values] of [
      ['host', selection.hosts],
      ['commit', selection.commits],
    ] as const) {
      const [only] = values;
      if (only !== undefined && values.length === 1) query.set(name, only);
    }
    if (selection.since !== undefined) query.set('since', selection.since);
    if (selection.until !== undefined) query.set('until', selection.until);
    for (let cursor: string | null = '0'; cursor !== null; ) {
      query.set('cursor', cursor);
      const page = await this.#page(`/v1/episodes?${query}`, signal);
      for (const row of page.episodes) if (isSelected(row, selection)) yield row;
      cursor = page.next_cursor;
    }
  }

  async *read(row: SequencedRow, fromByte: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const etag = `"${row.sha256}"`;
    const target = episodeTarget(row.host_id, row.episode_id);
    let atByte = fromByte;
    for (let failures = 0; atByte < row.bytes; ) {
      const headers = atByte === 0 ? {} : { Range: `bytes=${atByte}-`, 'If-Range': etag };
      const answer = await this.#ask({ target, headers }, signal);
      if (answer.kind === 'refused') throw this.#lossOf(answer);
      const { response } = answer;
      let broken: unknown;
      try {
        let skipBytes = Math.max(0, atByte - startOf(response, row));
        for await (const chunk of response as AsyncIterable<Buffer>) {
          this.#patience.progressed();
          const rest = chunk.subarray(Math.min(skipBytes, chunk.byteLength));
          skipBytes -= chunk.byteLength - rest.byteLength;
          if (rest.byteLength === 0) continue;
          atByte += rest.byteLength;
          failures = 0;
          yield rest;
        }
        broken = new Error('its answer ended early');
      } catch (error) {
        if (error instanceof EpisodeLoss) throw error;
        broken = error;
      } finally {
        response.destroy();
      }
      if (signal.aborted || atByte >= row.bytes) return;
      failures += 1;
      if (failures > MOST_FAILURES) {
        throw new EpisodeLoss('unreadable', `it breaks off at byte ${atByte}: ${messageOf(broken)}`, broken);
      }
      this.#logger.debug({ target, atByte, reason: messageOf(broken) }, 'the connection broke: going on from there');
      await this.#patience.pause(failures, 0, signal);
    }
  }

  async lookUp(keys: readonly EpisodeKey[], signal: AbortSignal): Promise<Map<string, InLedger>> {
    const found = new Map<string, InLedger>();
    for (const key of keys) {
      const target = episodeTarget(key.hostId, key.episodeId);
      // Not by HEAD, whose refusals do not say why.
      const answer = await this.#ask({ target, headers: { Range: 'bytes=0-0' } }, signal);
      if (answer.kind === 'open') answer.response.destroy();
      found.set(keyText(key), this.#inLedger(answer));
    }
    return found;
  }

  close(): void {
    this.#requests.close();
  }

  #inLedger(answer: ReceiverAnswer): InLedger {
    if (answer.kind === 'open' || answer.code === 'file-missing' || answer.status === 416) return 'stored';
    if (answer.code === 'gone') return 'retracted';
    if (answer.code === 'not-found') return 'unknown';
    throw explainRefusal(this.name, answer);
  }

  async #page(target: string, signal: AbortSignal) {
    for (let failures = 1; ; failures += 1) {
      const answer = await this.#ask({ target, headers: { Accept: 'application/json' } }, signal);
      if (answer.kind === 'refused') throw explainRefusal(this.name, answer);
      try {
        const parsed = episodesAnswerSchema.safeParse(await readJson(answer.response));
        if (!parsed.success) throw noReceiver(this.name, 'its answer is of another form');
        this.#patience.progressed();
        return parsed.data;
      } catch (error) {
        if (signal.aborted || !isPassing(error) || failures > MOST_FAILURES) throw this.#ended(error, signal);
        await this.#patience.pause(failures, 0, signal);
      }
    }
  }

  /** An answer for good: what may pass is asked for again. Throws when the receiver is away for too long, or cannot be trusted. */
  async #ask(request: ReceiverRequest, signal: AbortSignal): Promise<ReceiverAnswer> {
    let lastRefusals = 0;
    for (let failures = 1; ; failures += 1) {
      let askedForS = 0;
      try {
        const answer = await this.#requests.send(request, signal);
        if (answer.kind === 'open' || !mayPass(answer)) {
          this.#patience.progressed();
          return answer;
        }
        if (isOurs(answer)) this.#patience.begin();
        // It does answer, and always so: that is an answer, too.
        lastRefusals += answer.status === 500 ? 1 : 0;
        if (lastRefusals > MOST_FAILURES || this.#patience.isExhausted) return answer;
        askedForS = answer.retryAfterS;
        this.#tellOfWaiting(failures, answer.detail ?? `status ${answer.status}`);
      } catch (error) {
        if (signal.aborted || !isPassing(error) || this.#patience.isExhausted) throw this.#ended(error, signal);
        this.#tellOfWaiting(failures, messageOf(error));
      }
      await this.#patience.pause(failures, askedForS, signal);
      if (signal.aborted) throw this.#ended(undefined, signal);
    }
  }

  #tellOfWaiting(failures: number, reason: string): void {
    if (failures === 3)
      this.#logger.warn({ receiver: this.name, reason }, 'the receiver does not answer: waiting for it');
  }

  #ended(error: unknown, signal: AbortSignal): AppError {
    if (signal.aborted) return new AppError('interrupted', 'interrupted; go on with the same command');
    return explainError(this.name, error);
  }

  /** Of this episode alone, or of all of them. */
  #lossOf(answer: Refused): Error {
    const { status, code, detail } = answer;
    if (code === 'gone') return new EpisodeLoss('retracted', detail ?? 'it was retracted');
    if (code === 'file-missing') return new EpisodeLoss('missing', 'the receiver’s file is missing or damaged');
    if (code === 'not-found') return new EpisodeLoss('missing', 'the receiver does not know it');
    if (status === 416) return new EpisodeLoss('wrong-size', 'the receiver has fewer bytes of it than its row says');
    if (status === 500) return new EpisodeLoss('unreadable', detail ?? 'the receiver failed to read it');
    return explainRefusal(this.name, answer);
  }
}

/** Where the body begins; it is the whole where the range was not honoured. */
function startOf(response: IncomingMessage, { sha256, bytes }: SequencedRow): number {
  const { etag } = response.headers;
  if (etag !== undefined && etag.replace(/^W\//, '') !== `"${sha256}"`) {
    throw new EpisodeLoss('changed', `the receiver has it as ${etag}, its row says ${sha256}`);
  }
  if (response.statusCode !== 206) return 0;
  const [, start, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers['content-range'] ?? '') ?? [];
  if (Number(total) === bytes) return Number(start);
  throw new EpisodeLoss(
    'wrong-size',
    `the receiver has ${total ?? 'an unknown number of'} bytes of it, its row ${bytes}`,
  );
}

async function readJson(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_PAGE_BYTES) return undefined;
    chunks.push(chunk);
  }
  return parseJson(Buffer.concat(chunks).toString());
}
