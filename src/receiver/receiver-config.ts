// The configuration of the receiver, receiver.toml: every key that it reads, with its default and its meaning.

import { z } from 'zod';
import { messageOf } from '../lib/app-error.ts';
import { configPath } from '../lib/config/config-path.ts';
import { addMistake, type ConfigContext, type ConfigOf, defineConfig, whenSound } from '../lib/config/define-config.ts';
import { durationInDays, durationInSeconds } from '../lib/config/duration.ts';
import { size, sizeInBytes } from '../lib/config/size.ts';
import { fleetSchema } from './config/fleet-config.ts';
import { listenSchema } from './config/listen-config.ts';
import { versionGateSchema } from './config/version-gate-config.ts';
import { isLoopbackAddress } from './identity/loopback.ts';
import { readTokensFile } from './identity/tokens-file.ts';

export type ReceiverConfig = ConfigOf<typeof receiverConfigDefinition>;

export const receiverConfigDefinition = defineConfig({
  title: 'Receiver',
  defaultPath: '/etc/cis490/receiver.toml',
  olderKeys: [
    { path: ['version_gate', 'repo_path'], instead: 'local_repo_path' },
    { path: ['version_gate', 'auth_token'], instead: 'auth_token_file', inlineSecret: true },
  ],
  schema: (context) =>
    z
      .strictObject({
        listen: listenSchema(context),
        store: storeSchema(context),
        uploads: uploadsSchema(),
        auth: authSchema(context),
        version_gate: versionGateSchema(context),
        certificates: certificatesSchema(),
        fleet: fleetSchema(context),
      })
      .superRefine(refuseOpenDoors, { when: whenSound('listen', 'auth') }),
});

interface Doors {
  listen: { host: string; trusted_proxies: string[]; tls?: { client_ca_file?: string | undefined } | undefined };
  auth: { fleet_token_sha256?: string | undefined; tokens_file: string };
}

const TOKENS_FILE_ALLOWED = 'a file as cis490 token create writes it, or a path where none is yet';

/** Without a credential whoever reaches the port is the maintainer: then only this machine may reach it. */
function refuseOpenDoors(doors: Doors, context: z.core.$RefinementCtx): void {
  try {
    if (hasCredential(doors)) return;
  } catch (error) {
    const found = `a damaged one: ${messageOf(error)}`;
    addMistake(context, found, TOKENS_FILE_ALLOWED, ['auth', 'tokens_file']);
    return;
  }
  const { host, trusted_proxies } = doors.listen;
  const credentials = '[auth] fleet_token_sha256, a token (cis490 token create) or [listen.tls] client_ca_file';
  if (!isLoopbackAddress(host)) {
    const found = `"${host}", which others reach, while no credential is configured`;
    addMistake(context, found, `a loopback address such as "127.0.0.1", or any once there is ${credentials}`, [
      'listen',
      'host',
    ]);
  }
  if (trusted_proxies.length > 0) {
    const found = 'proxies, through which others reach it, while no credential is configured';
    addMistake(context, found, `[], or any once there is ${credentials}`, ['listen', 'trusted_proxies']);
  }
}

/** Whether anybody can be told from anybody else. Throws `bad-tokens-file`. */
export function hasCredential({ listen, auth }: Doors): boolean {
  // Always read: a damaged file is found at once, not when the other credentials are taken away.
  const hasToken = readTokensFile(auth.tokens_file).length > 0;
  return hasToken || auth.fleet_token_sha256 !== undefined || listen.tls?.client_ca_file !== undefined;
}

function storeSchema(context: ConfigContext) {
  return z
    .strictObject({
      root: configPath(context)
        .prefault('/var/lib/cis490')
        .meta({ description: 'The directory that holds the episodes and their ledger. One filesystem.' }),
      max_episode_bytes: sizeInBytes()
        .prefault('8 GiB')
        .meta({ description: 'The largest packed episode that is taken; a larger one is refused for good.' }),
      min_free: size()
        .prefault('5 GiB')
        .meta({ description: 'Space that is left free: below it, episodes are put off until there is room again.' }),
      backup_stamp: configPath(context).optional().meta({
        description:
          'A file that cis490 backup writes when all of it is saved: cis490 doctor then tells when that is too long ago.',
        example: '/mnt/backup/cis490/last-backup',
      }),
      backup_max_age_s: durationInSeconds().prefault('36 h').meta({
        description: 'How long ago the last backup may have ended; after twice as long it is red.',
      }),
    })
    .meta({ description: 'What is stored, and where.' });
}

function uploadsSchema() {
  return z
    .strictObject({
      expire_after_s: durationInSeconds().prefault('3 days').meta({
        description: 'An upload for which nothing has come for so long, while the receiver ran, is removed.',
      }),
      per_host: z
        .int()
        .positive()
        .prefault(16)
        .meta({ description: 'How many of one host are kept; beyond that it has to send whole episodes.' }),
      bytes_per_host: sizeInBytes().prefault('64 GiB').meta({
        description: 'How many bytes they may come to; one alone may be as large as any episode.',
      }),
    })
    .prefault({})
    .meta({
      description: 'Uploads that are gone on with after an interruption; their room is set aside until they end.',
    });
}

function authSchema(context: ConfigContext) {
  return z
    .strictObject({
      fleet_token_sha256: z
        .string()
        .regex(/^[0-9a-fA-F]{64}$/)
        .transform((text) => text.toLowerCase())
        .optional()
        .meta({
          description: 'The SHA-256 of the token that every lab host sends: printf %s "$(cat TOKEN_FILE)" | sha256sum',
          allowed: 'a SHA-256 in 64 hex digits',
          secret: true,
          example: '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
        }),
      tokens_file: configPath(context).prefault('tokens.json').meta({
        description:
          'Where cis490 token create keeps what it knows of the tokens that it made: never the tokens themselves.',
      }),
    })
    .meta({ description: 'Who may send.' });
}

function certificatesSchema() {
  return z
    .strictObject({
      host_lifetime_days: durationInDays()
        .prefault(90)
        .meta({ description: 'How long a certificate of a lab host is good for; hosts renew at two thirds of it.' }),
      server_lifetime_days: durationInDays()
        .prefault(365)
        .meta({ description: "How long the receiver's own certificate is good for; it renews itself." }),
      ca_lifetime_days: durationInDays()
        .prefault(3650)
        .meta({ description: 'How long a certificate authority is good for that cis490 ca init or renew-ca makes.' }),
    })
    .prefault({})
    .meta({ description: "The receiver's own certificate authority (cis490 ca)." });
}
