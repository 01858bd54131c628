// [version_gate]: which code is trusted, and who says so.

import { z } from 'zod';
import { configPath } from '../../lib/config/config-path.ts';
import { addMistake, type ConfigContext, whenSound } from '../../lib/config/define-config.ts';
import { durationInSeconds } from '../../lib/config/duration.ts';
import { secretFile } from '../../lib/config/secret-file.ts';
import { commitSchema } from '../../protocol/commit.ts';

export function versionGateSchema(context: ConfigContext) {
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
      refresh_s: durationInSeconds().prefault(5).meta({
        description:
          'How often at most the branch is read while episodes come. Once a minute it is read in any case, and at once for a commit that is not known.',
      }),
      branch: z.string().min(1).default('main').meta({ description: 'The branch whose commits are trusted.' }),
      forgejo_url: z
        .url({ protocol: /^https?$/ })
        .optional()
        .meta({
          description: 'The forge (Forgejo or Gitea) that the branch is read from, by its API.',
          allowed: 'an http or https URL',
          example: 'https://git.example.org',
        }),
      repo_owner: repositoryName('Who the repository belongs to on the forge.', 'lab'),
      repo_name: repositoryName('What the repository is called on the forge.', 'recorder'),
      auth_token_file: secretFile(context).optional().meta({
        description: 'Holds the access token for the forge, where the repository is private.',
        example: 'forge-token',
      }),
      local_repo_path: configPath(context).optional().meta({
        description:
          'A git repository on this machine that the branch is read from: in place of a forge, or when the forge does not answer.',
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
    .superRefine(requireSource, { when: whenSound('enabled', 'local_repo_path', 'commits', ...FORGE_KEYS) })
    .superRefine(
      ({ auth_token_file, forgejo_url }, context) => {
        if (auth_token_file === undefined || forgejo_url !== undefined) return;
        addMistake(context, 'auth_token_file without forgejo_url', `it beside ${FORGE_KEYS.join(', ')}`, [
          'auth_token_file',
        ]);
      },
      { when: whenSound('auth_token_file', 'forgejo_url') },
    )
    .meta({ description: 'Takes episodes only of code that is still trusted.' });
}

const FORGE_KEYS = ['forgejo_url', 'repo_owner', 'repo_name'] as const;

function repositoryName(description: string, example: string) {
  return z
    .string()
    .regex(/^(?!\.{1,2}$)[A-Za-z0-9._-]+$/)
    .optional()
    .meta({ description, allowed: 'a name of letters, digits, ".", "_" and "-"', example });
}

type GateSources = { enabled: boolean; local_repo_path?: string | undefined; commits?: string[] | undefined } & {
  [Key in (typeof FORGE_KEYS)[number]]?: string | undefined;
};

function requireSource(gate: GateSources, context: z.core.$RefinementCtx): void {
  const { enabled, local_repo_path, commits } = gate;
  const given = FORGE_KEYS.filter((key) => gate[key] !== undefined);
  if (given.length > 0) {
    for (const key of FORGE_KEYS) {
      if (!given.includes(key))
        addMistake(context, `${given.join(' and ')} without it`, `all of ${FORGE_KEYS.join(', ')}`, [key]);
    }
  }
  if (commits !== undefined && (local_repo_path !== undefined || given.length > 0)) {
    addMistake(
      context,
      `commits beside ${local_repo_path !== undefined ? 'local_repo_path' : given.join(', ')}`,
      'one of them',
      ['commits'],
    );
  }
  if (enabled && local_repo_path === undefined && commits === undefined && given.length === 0) {
    addMistake(context, 'no forgejo_url, local_repo_path or commits', 'one of them, or enabled = false', ['enabled']);
  }
}
