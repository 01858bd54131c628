// What a reload of the configuration replaces: made whole before any of it is put in force, so that a bad file changes nothing.

import type { ServerOptions as TlsServerOptions } from 'node:https';
import type { Clock } from '../lib/clock.ts';
import { readSecret } from '../lib/config/secret-file.ts';
import type { Logger } from '../lib/logger.ts';
import type { Control } from '../storage/control.ts';
import type { Enrolments } from '../storage/enrolments.ts';
import type { FleetView } from './fleet/fleet-view.ts';
import type { StateThresholds } from './fleet/host-state-word.ts';
import { tlsOptionsOf } from './http/tls-options.ts';
import { type Authenticator, createAuthenticator } from './identity/authenticator.ts';
import { badCertificate } from './identity/certificate-authorities.ts';
import type { Sessions } from './identity/sessions.ts';
import { hasCredential, type ReceiverConfig } from './receiver-config.ts';
import type { UploadLimits } from './uploads/unfinished-uploads.ts';
import { createVersionGate } from './version-gate/create-version-gate.ts';
import { remediationFor } from './version-gate/remediation.ts';
import { createOpenGate, type VersionGate } from './version-gate/version-gate.ts';

export interface LiveParts {
  authenticator: Authenticator;
  /** The same configuration with its certificate files as they are now. Throws `bad-tokens-file` or `bad-certificate`. */
  readCertificatesAgain: () => CertificateParts;
  listen: ReceiverConfig['listen'];
  certificates: ReceiverConfig['certificates'];
  gate: VersionGate;
  maxEpisodeBytes: number;
  uploadLimits: UploadLimits;
  stateThresholds: StateThresholds;
  remediationFor: (hostId: string | null) => string;
}

interface CertificateParts {
  authenticator: Authenticator;
  /** Undefined for plain HTTP. */
  tls: TlsServerOptions | undefined;
}

export interface LivePartsOptions {
  config: ReceiverConfig;
  /** A git checkout that the gate may fall back to. */
  checkoutPath: string | undefined;
  control: Control;
  enrolments: Enrolments;
  fleet: FleetView;
  sessions: Sessions;
  clock: Clock;
  logger: Logger;
}

/** Throws `bad-tokens-file` or `bad-certificate`. `tls` is undefined for plain HTTP. */
export function createLiveParts(options: LivePartsOptions): { parts: LiveParts; tls: TlsServerOptions | undefined } {
  const { config, fleet, logger } = options;
  const { authenticator, tls } = readCertificateParts(options, config.listen);
  if (!hasCredential(config)) {
    logger.warn(
      'no credential is configured: whoever is on this machine may do everything (cis490 token create --role admin)',
    );
  }
  const configured = config.version_gate.remediation;
  const parts: LiveParts = {
    authenticator,
    readCertificatesAgain: () => readCertificateParts(options, withKeyReadAgain(config.listen)),
    listen: config.listen,
    certificates: config.certificates,
    // Last: it begins to read in the background.
    gate: createGate(options),
    maxEpisodeBytes: config.store.max_episode_bytes,
    uploadLimits: config.uploads,
    stateThresholds: config.fleet.monitor,
    remediationFor: (hostId) => {
      const update = hostId === null ? undefined : fleet.heartbeatOf(hostId)?.body['update'];
      return remediationFor({ configured, installedFrom: installedFrom(update) });
    },
  };
  return { parts, tls };
}

function readCertificateParts(
  { config, control, enrolments, sessions, clock, logger }: LivePartsOptions,
  listen: ReceiverConfig['listen'],
): CertificateParts {
  const tls = tlsOptionsOf(listen, Temporal.Instant.from(clock.wallTime()).epochMilliseconds);
  const authenticator = createAuthenticator({
    listen,
    auth: config.auth,
    control,
    enrolments,
    sessions,
    clock,
    logger,
  });
  for (const warning of tls?.warnings ?? []) logger.warn(warning);
  return { authenticator, tls: tls?.options };
}

/** The configuration has the key's text; the certificate is only named there. */
function withKeyReadAgain(listen: ReceiverConfig['listen']): ReceiverConfig['listen'] {
  const path = listen.tls?.key_file?.path;
  if (path === undefined) return listen;
  const read = readSecret(path);
  if ('secret' in read) return { ...listen, tls: { ...listen.tls, key_file: read.secret } };
  throw badCertificate(`[listen.tls] key_file: ${read.found}`, `allowed: ${read.allowed}`);
}

function createGate({ config, checkoutPath, control, clock, logger }: LivePartsOptions): VersionGate {
  if (!config.version_gate.enabled) {
    logger.warn('version gate is off: episodes of any code are stored ([version_gate] enabled = false)');
    return createOpenGate();
  }
  return createVersionGate({
    config: config.version_gate,
    storeRoot: config.store.root,
    checkoutPath,
    control,
    clock,
    logger,
  });
}

/** What its heartbeat says of its updates: release bundles come from the receiver. */
function installedFrom(update: unknown): 'git' | 'release' | undefined {
  const source = typeof update === 'object' && update !== null && 'source' in update ? update.source : undefined;
  if (source === 'receiver') return 'release';
  return source === 'git' ? 'git' : undefined;
}
