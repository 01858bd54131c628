// The body's SHA-256 in request headers: X-Content-SHA256 in hex, or RFC 9530's Repr-Digest and Content-Digest.

import { parseDictionary } from 'structured-headers';
import { z } from 'zod';
import { HEADER } from './headers.ts';

export type DeclaredDigest =
  | { kind: 'declared'; sha256: string }
  | { kind: 'missing' }
  | { kind: 'malformed'; detail: string };

/** Hex digits in any case. */
export const sha256Schema = z.string().regex(/^[0-9a-fA-F]{64}$/);

type HeaderLookup = (name: string) => string | undefined;

/** Reads every digest header that is there; they must all say the same. */
export function readDeclaredDigest(header: HeaderLookup): DeclaredDigest {
  const found = new Map<string, string>();
  const plain = header(HEADER.sha256);
  if (plain !== undefined) {
    if (!sha256Schema.safeParse(plain).success) return malformed(HEADER.sha256, 'must be 64 hex digits');
    found.set(HEADER.sha256, plain.toLowerCase());
  }
  for (const name of [HEADER.reprDigest, HEADER.contentDigest]) {
    const value = header(name);
    if (value === undefined) continue;
    const sha256 = readSha256Member(value);
    if (sha256 === 'malformed') return malformed(name, 'must be like sha-256=:<44 base64 characters>: (RFC 9530)');
    if (sha256 !== undefined) found.set(name, sha256);
  }
  const distinct = new Set(found.values());
  const [only] = distinct;
  if (only === undefined) return { kind: 'missing' };
  if (distinct.size > 1) return malformed([...found.keys()].join(', '), 'name different digests');
  return { kind: 'declared', sha256: only };
}

/** `sha-256=:…:` for a hex digest. */
export function formatReprDigest(sha256: string): string {
  return `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`;
}

function readSha256Member(value: string): string | undefined | 'malformed' {
  try {
    const member = parseDictionary(value).get('sha-256');
    if (member === undefined) return undefined;
    const [bytes] = member;
    if (!(bytes instanceof ArrayBuffer) || bytes.byteLength !== 32) return 'malformed';
    return Buffer.from(bytes).toString('hex');
  } catch {
    return 'malformed';
  }
}

function malformed(header: string, problem: string): DeclaredDigest {
  return { kind: 'malformed', detail: `${header} ${problem}` };
}
