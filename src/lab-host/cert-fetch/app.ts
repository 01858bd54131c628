// Looks after this host's certificate once, and writes down what it came to.

import { readFile } from 'node:fs/promises';
import type { AfterStep } from '../../lib/after-step.ts';
import { AppError, messageOf } from '../../lib/app-error.ts';
import { type Clock, formatWallTime } from '../../lib/clock.ts';
import type { Secret } from '../../lib/config/secret-file.ts';
import { toJsonFile, writeFileDurably } from '../../lib/durable-file.ts';
import { acquireExclusiveLock } from '../../lib/exclusive-lock.ts';
import type { Logger } from '../../lib/logger.ts';
import { readIfThere } from '../../lib/read-if-there.ts';
import { certificateFingerprint } from '../../protocol/est.ts';
import { type CertState, certStateSchema, type IdentityLayout, identityLayout } from '../identity-layout.ts';
import { isLoopback } from '../transport/address-of.ts';
import type { CertFetchStep } from './cert-fetch-step.ts';
import { type Fetched, fetchCertificate } from './fetch-certificate.ts';

export interface CertFetchOptions {
  /** The directory of `current`, `next` and ca.crt. */
  identityRoot: string;
  hostId: string;
  estUrl: string;
  /** What the connection is verified by, in PEM; undefined: the system's authorities. */
  caFile: string | undefined;
  renewAt: number;
  connectTimeoutMs: number;
  idleTimeoutMs: number;
  /** Of a first enrolment, or of one anew after a revocation. */
  token?: Secret | undefined;
  force?: boolean;
  stop: AbortSignal;
  clock: Clock;
  logger: Logger;
  afterStep: AfterStep<CertFetchStep>;
}

export interface CertFetchResult {
  result: Fetched['result'];
  host_id: string;
  not_after: string;
  renewal_due: string;
  sha256: string;
}

/** Throws what kept it from a certificate that is due, after writing it down; the old one is then still in force. */
export async function runCertFetch(options: CertFetchOptions): Promise<CertFetchResult> {
  const { identityRoot, estUrl, hostId, clock, logger, afterStep } = options;
  const layout = identityLayout(identityRoot);
  requireSafeUrl(estUrl);
  const lock = acquireExclusiveLock(identityRoot, 'cert-fetch');
  try {
    const before = await readState(layout);
    const fetched = await fetchCertificate(await fetchOptions(options, layout, before)).catch(
      async (error: unknown) => {
        await writeState(layout, failureState(error, before, clock)).catch((failure: unknown) =>
          logger.error({ err: failure, path: layout.state }, 'the failure could not be written down'),
        );
        throw error;
      },
    );
    const result = tell(fetched, hostId);
    const asked = fetched.asked ? clock.wallTime() : before?.authorities_asked_wall;
    await writeState(layout, {
      result: fetched.result,
      at_wall: clock.wallTime(),
      renewal_due_wall: result.renewal_due,
      not_after_wall: result.not_after,
      authorities_asked_wall: asked,
    });
    afterStep('state-written');
    return result;
  } finally {
    lock.release();
  }
}

async function fetchOptions(options: CertFetchOptions, layout: IdentityLayout, before: CertState | undefined) {
  const { hostId, estUrl, caFile, renewAt, connectTimeoutMs, idleTimeoutMs, token, stop, clock, logger } = options;
  const est = { url: estUrl, connectTimeoutMs, idleTimeoutMs, clock, stop };
  const force = options.force ?? false;
  const ca = caFile === undefined ? undefined : await readTrust(caFile);
  return { layout, hostId, renewAt, est, ca, token, force, before, clock, logger, afterStep: options.afterStep };
}

async function readTrust(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AppError('bad-authorities', `[receiver.tls] ca_file cannot be read: ${messageOf(cause)}`, {
      hint: "put the receiver's authorities there: on the receiver, cat /var/lib/cis490/ca/trusted.crt",
      cause,
    });
  });
}

function requireSafeUrl(estUrl: string): void {
  const url = new URL(estUrl);
  if (url.protocol === 'https:' || isLoopback(url)) return;
  throw new AppError('bad-config', `certificates are not asked for without TLS: ${estUrl}`, {
    hint: 'write https:// in [cert] est_url or [receiver] url',
  });
}

async function readState({ state }: IdentityLayout): Promise<CertState | undefined> {
  try {
    return certStateSchema.safeParse(JSON.parse((await readIfThere(state)) ?? 'null')).data;
  } catch {
    // What cannot be read is written anew: only the day of the last question is lost.
    return undefined;
  }
}

async function writeState({ state }: IdentityLayout, content: CertState): Promise<void> {
  await writeFileDurably(state, toJsonFile(content));
}

function failureState(error: unknown, before: CertState | undefined, clock: Clock): CertState {
  return {
    ...before,
    result: 'failed',
    at_wall: clock.wallTime(),
    code: error instanceof AppError ? error.code : 'internal-error',
    detail: messageOf(error),
    cure: error instanceof AppError ? error.hint : undefined,
    failures: (before?.result === 'failed' ? (before.failures ?? 0) : 0) + 1,
  };
}

function tell({ result, certificate, dueMs }: Fetched, hostId: string): CertFetchResult {
  const wallTime = (ms: number) => formatWallTime(Temporal.Instant.fromEpochMilliseconds(Math.round(ms)));
  return {
    result,
    host_id: hostId,
    not_after: wallTime(certificate.validToDate.getTime()),
    renewal_due: wallTime(dueMs),
    sha256: certificateFingerprint(certificate),
  };
}
