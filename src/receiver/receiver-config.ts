// The configuration of the receiver, receiver.toml: every key that it reads, with its default and its meaning.

import { z } from 'zod';
import { configPath } from '../lib/config/config-path.ts';
import { addMistake, type ConfigContext, type ConfigOf, defineConfig, whenSound } from '../lib/config/define-config.ts';
import { durationInSeconds } from '../lib/config/duration.ts';
import { size, sizeInBytes } from '../lib/config/size.ts';
import { commitSchema } from '../protocol/commit.ts';
import { isLoopbackAddress } from './http/authentication.ts';

export type ReceiverConfig = ConfigOf<typeof receiverConfigDefinition>;

export const receiverConfigDefinition = defineConfig({
  title: 'Receiver',
  defaultPath: '/etc/cis490/receiver.toml',
  olderKeys: [{ path: ['version_gate', 'repo_path'], instead: 'local_repo_path' }],
  schema: (context) =>
    z
      .strictObject({
        listen: listenSchema(),
        store: storeSchema(context),
        auth: authSchema(),
        version_gate: versionGateSchema(context),
      })
      .superRefine(refuseOpenDoors, { when: whenSound('listen', 'auth') }),
});

interface Doors {
  listen: { host: string };
  auth: { fleet_token_sha256?: string | undefined };
}

/** Without a credential whoever reaches the port is the maintainer: then only this machine may reach it. */
function refuseOpenDoors({ listen, auth }: Doors, context: z.core.$RefinementCtx): void {
  if (auth.fleet_token_sha256 !== undefined || isLoopbackAddress(listen.host)) return;
  const found = `"${listen.host}", which others reach, while no credential is configured`;
  addMistake(context, found, 'a loopback address such as "127.0.0.1", or any once [auth] fleet_token_sha256 is set', [
    'listen',
    'host',
  ]);
}

function listenSchema() {
  return z
    .strictObject({
      host: z
        .string()
        .min(1)
        .default('127.0.0.1')
        .meta({ description: 'The address that is listened on. "0.0.0.0" is every IPv4 address of the machine.' }),
      port: z
        .int()
        .min(0)
        .max(65_535)
        .default(8490)
        .meta({ description: 'The TCP port; 0 lets the system choose one.' }),
    })
    .meta({ description: 'Where lab hosts reach the receiver.' });
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
    })
    .meta({ description: 'What is stored, and where.' });
}

function authSchema() {
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
    })
    .meta({ description: 'Who may send.' });
}

function versionGateSchema(context: ConfigContext) {
  return z
    .strictObject({
      enabled: z.boolean().default(true).meta({
        description: 'Whether episodes of code outside of the window are refused. Off: code of any version is taken.',
      }),
      window: z
        .int()
        .min(1)
        .max(10_000)
        .default(100)
        .meta({ description: 'How many commits, counted back from the head of the branch, are trusted.' }),
      refresh_s: durationInSeconds().prefault(5).meta({ description: 'How often the branch is read again.' }),
      branch: z.string().min(1).default('main').meta({ description: 'The branch whose commits are trusted.' }),
      local_repo_path: configPath(context).optional().meta({
        description: 'A git repository on this machine that the branch is read from. The gate needs this or commits.',
        example: '/srv/git/recorder.git',
        inExample: true,
      }),
      commits: z
        .array(commitSchema)
        .min(1)
        .optional()
        .meta({
          description: 'The trusted commits themselves, newest first, in place of a repository.',
          allowed: 'a list of full commits (40 or 64 hex digits each)',
          example: ['0123456789abcdef0123456789abcdef01234567'],
        }),
      blocked_commits: z.array(commitSchema).prefault([]).meta({
        description: 'Commits that are refused although they are in the window.',
        allowed: 'a list of full commits (40 or 64 hex digits each)',
      }),
      dirty: z
        .enum(['accept', 'refuse'])
        .default('accept')
        .meta({ description: 'What is done with episodes of code that was changed after its commit.' }),
      remediation: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .meta({
          description:
            'Shell commands, a line each, that a refused lab host is told to run, in place of the default ones.',
          example: ['cd /opt/recorder && git pull --ff-only', 'systemctl restart recorder'],
        }),
    })
    .superRefine(requireOneSource, { when: whenSound('enabled', 'local_repo_path', 'commits') })
    .meta({ description: 'Takes episodes only of code that is still trusted.' });
}

interface GateSources {
  enabled: boolean;
  local_repo_path?: string | undefined;
  commits?: string[] | undefined;
}

function requireOneSource({ enabled, local_repo_path, commits }: GateSources, context: z.core.$RefinementCtx): void {
  if (local_repo_path !== undefined && commits !== undefined) {
    addMistake(context, 'both commits and local_repo_path', 'one of them', ['commits']);
  }
  if (enabled && local_repo_path === undefined && commits === undefined) {
    addMistake(context, 'neither local_repo_path nor commits', 'one of them, or enabled = false', ['local_repo_path']);
  }
}
