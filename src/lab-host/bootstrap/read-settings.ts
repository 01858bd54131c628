// What bootstrap was told, by the command line and the seed: all that is wrong or missing is said at once, before anything is done.

import { AppError } from '../../lib/app-error.ts';
import { ConfigError } from '../../lib/config/config-error.ts';
import { shapeOf } from '../../lib/config/config-shape.ts';
import { explainIssue } from '../../lib/config/explain-issue.ts';
import { loadConfig } from '../../lib/config/load-config.ts';
import { readSecret, Secret } from '../../lib/config/secret-file.ts';
import { HOST_ID_PATTERN } from '../../protocol/ids.ts';
import { isLoopback } from '../transport/address-of.ts';
import { type Seed, seedDefinition } from './seed-file.ts';

export interface BootstrapFlags {
  receiver?: string;
  token?: string;
  tokenFile?: string;
  caFingerprint?: string;
  hostId?: string;
  releaseKey?: string[];
  withTelemetry?: boolean;
}

export interface BootstrapSettings {
  receiverUrl: string;
  /** 64 hex digits. */
  fingerprint: string;
  hostId: string;
  /** Undefined once it was used. */
  token: Secret | undefined;
  releaseKeys: string[];
  withTelemetry: boolean;
}

export interface ReadSettings {
  /** Undefined when there are mistakes. */
  settings: BootstrapSettings | undefined;
  mistakes: string[];
  /** What the seed file holds. */
  seed: Seed | undefined;
}

/** The command line counts before the seed. */
export function readSettings(flags: BootstrapFlags, seedPath: string | undefined, hostName: string): ReadSettings {
  const { seed, mistakes } = readSeed(seedPath);
  const given = { ...seed, ...readFlags(flags, mistakes) };
  const token = readToken(flags, given.token, mistakes);
  const hostId = given.host_id ?? hostName.split('.')[0] ?? '';
  if (given.host_id === undefined && (!HOST_ID_PATTERN.test(hostId) || hostId === 'localhost'))
    mistakes.push(`the host name of this machine, "${hostName}", is none for a lab host: give one with --host-id`);
  if (given.receiver !== undefined) mistakes.push(...refusePlain(given.receiver));
  const { receiver: receiverUrl, ca_fingerprint: fingerprint, release_keys, with_telemetry } = given;
  if (receiverUrl === undefined && !isWrong(mistakes, 'receiver')) mistakes.push(missing('receiver'));
  if (fingerprint === undefined && !isWrong(mistakes, 'ca_fingerprint')) mistakes.push(missing('ca_fingerprint'));
  if (token === undefined && given.token_used_at === undefined && !isWrong(mistakes, 'token'))
    mistakes.push(missing('token'));
  if (mistakes.length > 0 || receiverUrl === undefined || fingerprint === undefined)
    return { settings: undefined, mistakes, seed };
  const settings = {
    receiverUrl,
    fingerprint,
    hostId,
    token,
    releaseKeys: release_keys ?? [],
    withTelemetry: with_telemetry ?? false,
  };
  return { settings, mistakes, seed };
}

const FLAGS = { receiver: '--receiver', ca_fingerprint: '--ca-fingerprint', token: '--token-file' } as const;

function missing(key: keyof typeof FLAGS): string {
  return `${FLAGS[key]} is missing (${key} in a seed file): on the receiver, cis490 ca token --host HOST prints it`;
}

/** What was given and is wrong is not missing, too. */
function isWrong(mistakes: readonly string[], key: keyof typeof FLAGS): boolean {
  return (
    mistakes.some((text) => text.startsWith('--token') && key === 'token') ||
    mistakes.some((text) => text.includes(`${key}: `) || text.startsWith(`${FLAGS[key]}: `))
  );
}

function readSeed(path: string | undefined): { seed: Seed | undefined; mistakes: string[] } {
  if (path === undefined) return { seed: undefined, mistakes: [] };
  try {
    return { seed: loadConfig(seedDefinition, path).config, mistakes: [] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { seed: undefined, mistakes: error.message.split('\n') };
  }
}

function readFlags(flags: BootstrapFlags, mistakes: string[]): Partial<Seed> {
  const context = { baseDirectory: '/' };
  const shape = shapeOf(seedDefinition, context);
  const written = {
    receiver: ['--receiver', flags.receiver],
    token: ['--token', flags.token],
    ca_fingerprint: ['--ca-fingerprint', flags.caFingerprint],
    host_id: ['--host-id', flags.hostId],
    release_keys: ['--release-key', flags.releaseKey],
    with_telemetry: ['--with-telemetry', flags.withTelemetry],
  } as const;
  const given = Object.fromEntries(
    Object.entries(written).flatMap(([key, [, value]]) => (value === undefined ? [] : [[key, value]])),
  );
  const parsed = seedDefinition.schema(context).safeParse(given, { error: () => '' });
  for (const issue of parsed.error?.issues ?? []) {
    const [flag] = written[issue.path[0] as keyof typeof written] ?? [''];
    for (const { message } of explainIssue(issue, shape, given)) mistakes.push(`${flag}: ${message}`);
  }
  return parsed.data ?? {};
}

function readToken(
  { token, tokenFile }: BootstrapFlags,
  given: string | undefined,
  mistakes: string[],
): Secret | undefined {
  if (tokenFile === undefined) return given === undefined ? undefined : new Secret(given);
  if (token !== undefined) mistakes.push('--token and --token-file: only one of them');
  const read = readSecret(tokenFile);
  if ('secret' in read) return read.secret;
  mistakes.push(`--token-file: found ${read.found}; allowed: ${read.allowed}`);
  return undefined;
}

/** A token would go over the network in the clear. */
function refusePlain(receiver: string): string[] {
  const url = new URL(receiver);
  if (url.protocol === 'https:' || isLoopback(url)) return [];
  return [`--receiver: found ${JSON.stringify(receiver)}, to which a token would go in the clear; allowed: https://`];
}

export function inOneError(mistakes: readonly string[]): AppError {
  return new AppError('bad-input', mistakes.join('\ncis490: '), {
    hint: 'nothing was done; correct this, then run it again: cis490 bootstrap --help',
  });
}
