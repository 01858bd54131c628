// Who is asking, and what they may do. Pure over the request's headers; secrets are compared by digest, in constant time.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { ProblemCode } from '../../protocol/problem.ts';
import { isLoopbackAddress } from '../identity/loopback.ts';

/** `open`: nobody needs a credential, because none is configured and only this machine is listened to. */
export type Principal = { role: 'open' } | { role: 'fleet' };

export type Action = 'write-episode' | 'read-episode-headers' | 'read-episode' | 'ping';

const ALLOWED: Record<Principal['role'], ReadonlySet<Action>> = {
  open: new Set(['write-episode', 'read-episode-headers', 'read-episode', 'ping']),
  fleet: new Set(['write-episode', 'read-episode-headers', 'ping']),
};

type Authentication =
  | { kind: 'known'; principal: Principal }
  | {
      kind: 'refused';
      code: Extract<ProblemCode, 'credential-missing' | 'credential-invalid' | 'forbidden'>;
      detail: string;
    };

export type Authenticator = (method: string, headers: IncomingHttpHeaders) => Authentication;

/** `fleetTokenSha256` is undefined when no credential is configured: then the loopback rule stands in for one. */
export function createAuthenticator(fleetTokenSha256: string | undefined): Authenticator {
  if (fleetTokenSha256 === undefined) return authenticateOnLoopback;
  const expected = Buffer.from(fleetTokenSha256, 'hex');
  return (_method, headers) => {
    const token = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
    if (token === undefined) {
      return { kind: 'refused', code: 'credential-missing', detail: 'send Authorization: Bearer <token>' };
    }
    const digest = createHash('sha256').update(token).digest();
    if (timingSafeEqual(digest, expected)) return { kind: 'known', principal: { role: 'fleet' } };
    return { kind: 'refused', code: 'credential-invalid', detail: 'this token is not known here' };
  };
}

export function allows(principal: Principal, action: Action): boolean {
  return ALLOWED[principal.role].has(action);
}

/** Without a credential, a proxy or a web page that reaches this port must not become the maintainer. */
function authenticateOnLoopback(method: string, headers: IncomingHttpHeaders): Authentication {
  const forwarded = Object.keys(headers).find(
    (name) => name === 'forwarded' || name === 'via' || name.startsWith('x-forwarded-'),
  );
  if (forwarded)
    return forbidden(`${forwarded} is refused: no credential is configured, so no proxy may stand in front`);
  const host = headers.host?.replace(/:\d+$/, '') ?? '';
  if (!isLoopbackAddress(host))
    return forbidden('Host must be localhost or a loopback address: no credential is configured');
  const mutates = method !== 'GET' && method !== 'HEAD';
  const crossOrigin = headers.origin !== undefined && headers.origin !== `http://${headers.host}`;
  const crossSite = headers['sec-fetch-site'] === 'cross-site' || headers['sec-fetch-site'] === 'same-site';
  if (mutates && (crossOrigin || crossSite)) return forbidden('requests from other web pages are refused');
  return { kind: 'known', principal: { role: 'open' } };
}

function forbidden(detail: string): Authentication {
  return { kind: 'refused', code: 'forbidden', detail };
}
