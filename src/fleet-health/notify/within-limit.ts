// A channel has so long for one message; then it has failed, whether it heeds its signal or not.

import { AppError } from '../../lib/app-error.ts';

const SEND_LIMIT_MS = 20_000;

/** Throws `not-delivered` when the time is over. */
export async function withinLimit<T>(work: (signal: AbortSignal) => Promise<T>, limitMs = SEND_LIMIT_MS): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const limit = new AbortController();
  const timer = setTimeout(() => {
    const reason = new AppError('not-delivered', `nothing came within ${limitMs / 1000} s`, { retryable: true });
    limit.abort(reason);
    reject(reason);
  }, limitMs);
  try {
    return await Promise.race([work(limit.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}
