// The certificate of a new host: first who the receiver is, then the token, and that only where there is no certificate that it takes.

import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { AfterStep } from '../../lib/after-step.ts';
import { AppError, errnoOf } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Secret } from '../../lib/config/secret-file.ts';
import { isThere } from '../../lib/is-there.ts';
import type { Logger } from '../../lib/logger.ts';
import { makeDirectory } from '../../lib/make-directory.ts';
import { identityLayout } from '../identity-layout.ts';
import { explainUnreachable } from '../transport/explain-unreachable.ts';
import type { BootstrapStep } from './bootstrap-step.ts';
import { isTaken } from './certificate-in-force.ts';
import { pinAuthority } from './pin-authority.ts';
import type { BootstrapSettings } from './read-settings.ts';

const LIMITS = { connectTimeoutMs: 10_000, idleTimeoutMs: 60_000 };

interface EnrolRequest {
  identityRoot: string;
  hostId: string;
  estUrl: string;
  caFile: string;
  /** Without one, what is there is renewed when that is due. */
  token: Secret | undefined;
}

export interface TakeCertificateOptions {
  /** cert-fetch: resolves to when the certificate ends. */
  enrol: (request: EnrolRequest) => Promise<{ not_after: string }>;
  stop: AbortSignal;
  clock: Clock;
  logger: Logger;
  afterStep: AfterStep<BootstrapStep>;
}

/** Throws what a person can act on. */
export async function takeCertificate(
  identityRoot: string,
  { receiverUrl, hostId, token, fingerprint }: BootstrapSettings,
  { enrol, stop, clock, logger, afterStep }: TakeCertificateOptions,
): Promise<void> {
  await makeIdentityDirectory(identityRoot);
  const { authorities: caFile, current } = identityLayout(identityRoot);
  const look = { url: receiverUrl, hostId, timeoutMs: LIMITS.connectTimeoutMs, clock };
  const isNew = await pinAuthority(caFile, fingerprint, { url: receiverUrl, stop, clock, ...LIMITS }).catch(
    async (error: unknown) => {
      throw await explainUnreachable(error, { ...look, trust: 'nobody yet' });
    },
  );
  if (isNew) logger.info({ receiver: receiverUrl, fingerprint }, 'the receiver is who it should be');
  afterStep('authority-pinned');

  const request = { identityRoot, hostId, estUrl: receiverUrl, caFile };
  if (await isThere(current)) {
    const isOurs = await renewed(() => enrol({ ...request, token: undefined }));
    if (isOurs && (await isTaken({ identityRoot, receiverUrl, ...LIMITS, look, clock, logger, stop }))) {
      logger.info('the receiver takes the certificate of this host: no token is needed');
      return;
    }
  }
  if (token === undefined) throw tokenMissing(hostId);
  const { not_after } = await enrol({ ...request, token });
  logger.info({ host: hostId, not_after }, 'this host has its certificate');
}

async function makeIdentityDirectory(path: string): Promise<void> {
  await makeDirectory(dirname(path));
  await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
    if (errnoOf(error) !== 'EEXIST') throw error;
  });
}

/** False when the receiver does not renew what is there: one that has expired it does, by the old key. */
async function renewed(renew: () => Promise<unknown>): Promise<boolean> {
  try {
    await renew();
    return true;
  } catch (error) {
    if (error instanceof AppError && ['renewal-refused', 'not-enrolled'].includes(error.code)) return false;
    throw error;
  }
}

function tokenMissing(hostId: string): AppError {
  const message = 'the receiver does not take the certificate of this host, and the token was used';
  return new AppError('token-missing', message, { hint: `on the receiver: cis490 ca token --host ${hostId}` });
}
