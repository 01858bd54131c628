// The tokens that count: the fleet token of the configuration, and those of the tokens file, which is read again when a token is
// unknown and the file has changed. Found by SHA-256 digest and compared in constant time.

import { createHash, timingSafeEqual } from 'node:crypto';
import { type BigIntStats, statSync } from 'node:fs';
import type { Logger } from '../../lib/logger.ts';
import { readTokensFile, type TokenRecord } from './tokens-file.ts';

export type FoundToken = { kind: 'fleet-token' } | { kind: 'record'; record: TokenRecord };

export interface BearerTokensOptions {
  fleetTokenSha256: string | undefined;
  path: string;
  logger: Logger;
}

export class BearerTokens {
  readonly #fleetDigest: Buffer | undefined;
  readonly #path: string;
  readonly #logger: Logger;
  #version: string;
  #byDigest: ReadonlyMap<string, TokenRecord>;

  /** Throws `bad-tokens-file`. */
  constructor({ fleetTokenSha256, path, logger }: BearerTokensOptions) {
    this.#fleetDigest = fleetTokenSha256 === undefined ? undefined : Buffer.from(fleetTokenSha256, 'hex');
    this.#path = path;
    this.#logger = logger;
    // Before the content: what changes in between is then read once too often rather than never.
    this.#version = versionOf(path);
    this.#byDigest = recordsOf(path);
  }

  find(token: string): FoundToken | undefined {
    return this.findByDigest(digestOfToken(token));
  }

  /** `digest`: SHA-256 of the token. */
  findByDigest(digest: Buffer): FoundToken | undefined {
    if (this.#fleetDigest && timingSafeEqual(digest, this.#fleetDigest)) return { kind: 'fleet-token' };
    const record = this.#record(digest) ?? (this.#readAgain() ? this.#record(digest) : undefined);
    return record && { kind: 'record', record };
  }

  #record(digest: Buffer): TokenRecord | undefined {
    const record = this.#byDigest.get(digest.toString('hex'));
    return record && timingSafeEqual(digest, Buffer.from(record.sha256, 'hex')) ? record : undefined;
  }

  /** True when there was something new. A damaged file leaves in force what was read before it. */
  #readAgain(): boolean {
    const version = versionOf(this.#path);
    if (version === this.#version) return false;
    // Also when it is damaged: that is told once, and not at each unknown token.
    this.#version = version;
    try {
      this.#byDigest = recordsOf(this.#path);
      this.#logger.info({ path: this.#path, tokens: this.#byDigest.size }, 'tokens were read again');
      return true;
    } catch (error) {
      this.#logger.error(
        { err: error, path: this.#path },
        'tokens could not be read; those read before it still count',
      );
      return false;
    }
  }
}

export function digestOfToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function recordsOf(path: string): Map<string, TokenRecord> {
  return new Map(readTokensFile(path).map((record) => [record.sha256, record]));
}

/** Any change of the file changes it; a missing file has one, too, and so has one that cannot be looked at. */
function versionOf(path: string): string {
  let stats: BigIntStats | undefined;
  try {
    stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return 'unreadable';
  }
  return stats ? `${stats.ino} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs}` : 'missing';
}
