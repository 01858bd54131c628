// Who has logged in from a browser: a random cookie, known here by its digest alone, standing for the token that was given at login.
// In memory: a restart ends all of them. What the token may do, and whether it still counts, is asked of the token at each request.

import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { parse } from 'hono/utils/cookie';
import type { Clock } from '../../lib/clock.ts';

export const SESSION_COOKIE = 'cis490_session';
export const SESSION_S = 12 * 3_600;
const MOST_SESSIONS = 1_000;
// A program that logs in again and again ends its own sessions, and nobody else's.
const MOST_OF_A_TOKEN = 50;

interface Session {
  /** SHA-256 of the token in hex. */
  tokenDigest: string;
  /** On the monotonic clock: no clock that is set back makes a session last. */
  endsAtMs: number;
}

export class Sessions {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #byDigest = new Map<string, Session>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** The cookie's value. The oldest session makes room where there are too many. */
  begin(tokenDigest: string): string {
    this.#dropEnded();
    const ofToken = [...this.#byDigest].filter(([, session]) => session.tokenDigest === tokenDigest);
    if (ofToken.length >= MOST_OF_A_TOKEN) this.#byDigest.delete(ofToken[0]?.[0] ?? '');
    for (const oldest of this.#byDigest.keys()) {
      if (this.#byDigest.size < MOST_SESSIONS) break;
      this.#byDigest.delete(oldest);
    }
    const value = randomBytes(32).toString('base64url');
    this.#byDigest.set(digestOf(value), { tokenDigest, endsAtMs: this.#clock.monotonicMs() + SESSION_S * 1000 });
    return value;
  }

  /** The digest of the token that it stands for. */
  find(cookie: string): string | undefined {
    const session = this.#byDigest.get(digestOf(cookie));
    return session && this.#clock.monotonicMs() < session.endsAtMs ? session.tokenDigest : undefined;
  }

  end(cookie: string): void {
    this.#byDigest.delete(digestOf(cookie));
  }

  #dropEnded(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [digest, { endsAtMs }] of this.#byDigest) if (endsAtMs <= nowMs) this.#byDigest.delete(digest);
  }
}

export function sessionCookieOf({ headers }: Pick<IncomingMessage, 'headers'>): string | undefined {
  const { cookie } = headers;
  return cookie === undefined ? undefined : parse(cookie, SESSION_COOKIE)[SESSION_COOKIE];
}

/**
 * Whether a request that changes something comes from our own page: the browser says so itself (Fetch Metadata), or one that is too old
 * for that, or speaks plain HTTP, names an origin that is this very host.
 */
export function comesFromOwnPage({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  const { origin, host } = headers;
  if (origin === undefined || host === undefined) return false;
  return origin === `http://${host}` || origin === `https://${host}`;
}

function digestOf(value: string): string {
  return createHash('sha256').update(value).digest('hex');
}
