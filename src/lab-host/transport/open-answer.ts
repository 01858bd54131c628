// One request without a body, and its answer to be read piece by piece: given up when nothing moves, however long it takes.

import type { ClientRequest, IncomingMessage } from 'node:http';
import { AppError } from '../../lib/app-error.ts';
import type { ExchangeLimits } from './exchange.ts';
import { watchIdle } from './idle-watch.ts';

/** Rejects, or ends the answer, with the connection's error, `idle-timeout` or `connect-timeout`. */
export function openAnswer(
  request: ClientRequest,
  { connectTimeoutMs, idleTimeoutMs }: ExchangeLimits,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const giveUp = (code: string, message: string) => {
      const error = new AppError(code, message, { retryable: true });
      answer?.destroy(error);
      request.destroy(error);
    };
    let answer: IncomingMessage | undefined;
    const unwatch = watchIdle(request, {
      idleMs: idleTimeoutMs,
      isHeldBack: () => answer?.isPaused() ?? false,
      onMoved: () => undefined,
      onIdle: () => giveUp('idle-timeout', `the connection moved nothing for ${idleTimeoutMs} ms`),
    });
    const connectTimer = setTimeout(
      () => giveUp('connect-timeout', `no connection to ${request.host} within ${connectTimeoutMs} ms`),
      connectTimeoutMs,
    );
    request.on('error', (error) => {
      clearTimeout(connectTimer);
      unwatch();
      reject(error);
    });
    request.on('socket', (socket) => {
      const connected = () => clearTimeout(connectTimer);
      if (socket.connecting) socket.once('encrypted' in socket ? 'secureConnect' : 'connect', connected);
      else connected();
    });
    request.once('response', (response) => {
      answer = response;
      response.once('close', unwatch);
      resolve(response);
    });
    request.end();
  });
}
