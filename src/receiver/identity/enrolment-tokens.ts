// The one-time token with which a new host asks for its certificate: the password of HTTP Basic, whatever the user is called. Found by
// its SHA-256, compared in constant time.

import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import type { Enrolments, EnrolmentToken } from '../../storage/enrolments.ts';
import { type Refused, refused } from './authentication.ts';
import { digestOfToken } from './bearer-tokens.ts';

export type FoundEnrolmentToken = { kind: 'found'; token: EnrolmentToken } | Refused;

export function isBasic(authorization: string): boolean {
  return /^Basic(?: |$)/i.test(authorization);
}

/** `authorization`: the header. Throws what the port Enrolments throws. */
export async function findEnrolmentToken(
  authorization: string,
  { enrolments, clock }: { enrolments: Pick<Enrolments, 'findToken'>; clock: Clock },
): Promise<FoundEnrolmentToken> {
  const secret = passwordIn(authorization);
  if (secret === undefined) {
    return refused('credential-missing', 'send the enrolment token as the password of HTTP Basic (cis490 ca token)');
  }
  const digest = digestOfToken(secret);
  const token = await enrolments.findToken(digest.toString('hex'));
  if (!token || !timingSafeEqual(digest, Buffer.from(token.sha256, 'hex'))) {
    return refused('credential-invalid', 'this enrolment token is not known here');
  }
  const another = `make another: cis490 ca token --host ${token.hostId}`;
  if (token.revokedAt !== undefined) {
    return refused('credential-invalid', `the enrolment token ${token.id} was revoked; ${another}`);
  }
  const [now, end] = [clock.wallTime(), token.expiresAt].map((time) => Temporal.Instant.from(time));
  if (now && end && Temporal.Instant.compare(now, end) >= 0) {
    return refused('credential-invalid', `the enrolment token ${token.id} expired at ${token.expiresAt}; ${another}`);
  }
  return { kind: 'found', token };
}

/** RFC 7617, 2: the base64 of `user:password`. */
function passwordIn(authorization: string): string | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization)?.[1];
  if (encoded === undefined) return undefined;
  const pair = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon === -1 || colon === pair.length - 1 ? undefined : pair.slice(colon + 1);
}
