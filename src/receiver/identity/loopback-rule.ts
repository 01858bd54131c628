// Where no credential is configured: whoever reaches the port from this machine itself is the maintainer, and a proxy or a web
// page that reaches it must not become one.

import type { IncomingHttpHeaders } from 'node:http';
import { type Authentication, known, refused } from './authentication.ts';
import { isLoopbackAddress } from './loopback.ts';

/** Both ends of a connection, as its socket has them. */
export interface Ends {
  remoteAddress?: string | undefined;
  localAddress?: string | undefined;
}

export function authenticateOnLoopback(method: string, headers: IncomingHttpHeaders, ends: Ends): Authentication {
  // What is listened on is not for a header to say. A connection that was reset before it was accepted has no addresses any more.
  for (const address of [ends.remoteAddress, ends.localAddress]) {
    if (address !== undefined && !isLoopbackAddress(address.replace(/^::ffff:/i, ''))) {
      return forbidden('only this machine is served: no credential is configured');
    }
  }
  const forwarded = Object.keys(headers).find(
    (name) => name === 'forwarded' || name === 'via' || name.startsWith('x-forwarded-'),
  );
  if (forwarded)
    return forbidden(`${forwarded} is refused: no credential is configured, so no proxy may stand in front`);
  const host = headers.host?.replace(/:\d+$/, '') ?? '';
  if (!isLoopbackAddress(host))
    return forbidden('Host must be localhost or a loopback address: no credential is configured');
  const mutates = method !== 'GET' && method !== 'HEAD';
  // With or without TLS: both name this very port.
  const ownOrigins = [`http://${headers.host}`, `https://${headers.host}`];
  const crossOrigin = headers.origin !== undefined && !ownOrigins.includes(headers.origin);
  const crossSite = headers['sec-fetch-site'] === 'cross-site' || headers['sec-fetch-site'] === 'same-site';
  if (mutates && (crossOrigin || crossSite)) return forbidden('requests from other web pages are refused');
  return known({ role: 'open' });
}

function forbidden(detail: string): Authentication {
  return refused('forbidden', detail);
}
