// While the receiver runs, its own certificate never runs out: looked at once at the start and then every hour.

import { resolve } from 'node:path';
import { noStepObserver } from '../../lib/after-step.ts';
import { AppError, messageOf } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { ReceiverConfig } from '../receiver-config.ts';
import { authorityPaths, readAuthoritySet } from './authority-files.ts';
import { withAuthorityLock } from './authority-lock.ts';
import { isRenewalDue, namesOf, putServerCertificate } from './server-certificate.ts';

const LOOK_EVERY_MS = 3_600_000;

export interface RenewalOptions {
  storeRoot: string;
  /** Looked up anew each time: a reload may change it. */
  current: () => Pick<ReceiverConfig, 'listen' | 'certificates'>;
  /** Puts in force what is on the disk. */
  takeOver: () => void;
  clock: Clock;
  logger: Logger;
}

export async function keepServerCertificate(options: RenewalOptions, stop: AbortSignal): Promise<void> {
  const { clock, logger } = options;
  while (!stop.aborted) {
    try {
      if (await renewIfDue(options)) options.takeOver();
    } catch (error) {
      const cure = error instanceof AppError ? error.hint : undefined;
      logger.error({ reason: messageOf(error), cure }, "the receiver's certificate could not be renewed");
    }
    await clock.sleep(LOOK_EVERY_MS, stop);
  }
}

/** Only the one that the receiver made itself, and that it shows. True when there is a new one. */
async function renewIfDue({ storeRoot, current, clock, logger }: RenewalOptions): Promise<boolean> {
  const { listen, certificates } = current();
  const path = authorityPaths(storeRoot).serverCertificate;
  if (listen.tls?.cert_file === undefined || resolve(listen.tls.cert_file) !== resolve(path)) return false;
  const nowMs = Temporal.Instant.from(clock.wallTime()).epochMilliseconds;
  const lifetime = { nowMs, days: certificates.server_lifetime_days };
  const seen = readAuthoritySet(storeRoot);
  if (!seen || !isRenewalDue(seen, lifetime)) return false;
  return await withAuthorityLock(storeRoot, async () => {
    // A command may have been at it meanwhile.
    const set = readAuthoritySet(storeRoot);
    if (!set || !isRenewalDue(set, lifetime)) return false;
    await putServerCertificate(storeRoot, set, namesOf(set.server), lifetime, noStepObserver);
    logger.info({ names: namesOf(set.server) }, "the receiver's certificate was renewed");
    return true;
  });
}
