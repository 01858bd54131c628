// The authority as the receiver that runs knows it: looked at at most once a second, and taken over when another set is in force. A
// damaged one leaves in force what was read before it.

import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { type AuthoritySet, readAuthoritySet, setVersion } from './authority-files.ts';

const LOOK_EVERY_MS = 1_000;

export interface LiveAuthorityOptions {
  storeRoot: string;
  clock: Clock;
  logger: Logger;
}

export class LiveAuthority {
  readonly #options: LiveAuthorityOptions;
  #set: AuthoritySet | undefined;
  #version = '';
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: LiveAuthorityOptions) {
    this.#options = options;
    this.lookNow();
  }

  /** Undefined where there is none. */
  get set(): AuthoritySet | undefined {
    return this.#set;
  }

  /** True when another set has come in force. */
  look(): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    return nowMs - this.#lookedAtMs >= LOOK_EVERY_MS && this.lookNow();
  }

  lookNow(): boolean {
    const { storeRoot, clock, logger } = this.#options;
    this.#lookedAtMs = clock.monotonicMs();
    // Before the content: what changes in between is then read once too often rather than never.
    const version = setVersion(storeRoot);
    if (version === this.#version) return false;
    this.#version = version;
    try {
      this.#set = readAuthoritySet(storeRoot);
      return true;
    } catch (error) {
      logger.error({ err: error }, 'the certificate authority could not be read; what was read before still counts');
      return false;
    }
  }
}
