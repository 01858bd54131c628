// Where the reader's machine reaches this receiver, for commands that are pasted there.

import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { isLoopbackAddress } from '../../identity/loopback.ts';

const PLAIN_HOST = /^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

/** `https://receiver.lab:8490`. A Host that is no plain name is not repeated. */
export function ownOrigin({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): string {
  const { host = '' } = headers;
  if (!PLAIN_HOST.test(host)) return 'https://RECEIVER';
  // A browser sends Fetch Metadata over TLS, which a proxy may have ended, and to its own machine; and otherwise not.
  const isLocal = isLoopbackAddress(host.replace(/:\d+$/, ''));
  const isSecure = socket instanceof TLSSocket || (headers['sec-fetch-site'] !== undefined && !isLocal);
  return `${isSecure ? 'https' : 'http'}://${host}`;
}
