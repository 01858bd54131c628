// From the configuration to the sources of the gate: which one's word counts, and which one may stand in.

import type { Clock } from '../../lib/clock.ts';
import type { ReceiverConfig } from '../receiver-config.ts';
import { type CommitSource, checkoutSource, gitSource, staticSource } from './commit-source.ts';
import { forgeSource, repositoryUrl } from './forge-source.ts';
import type { LearnedFrom } from './gate-file.ts';

export type GateConfig = ReceiverConfig['version_gate'];

/** A list from the configuration is the window itself. */
export function windowOf({ commits, window }: GateConfig): number {
  return commits?.length ?? window;
}

/** Which branch of which repository gate.json is of; undefined when there is no need of it. */
export function learnedFromOf(config: GateConfig): LearnedFrom | undefined {
  const { forgejo_url: forgejoUrl, repo_owner: owner = '', repo_name: name = '', branch } = config;
  if (!config.enabled || config.commits) return undefined;
  const repository = forgejoUrl ? repositoryUrl({ forgejoUrl, owner, name }).href : (config.local_repo_path ?? '');
  return { repository, branch };
}

export interface GateSources {
  primary: CommitSource;
  fallback?: CommitSource | undefined;
  learnedFrom?: LearnedFrom | undefined;
}

export function chooseSources(config: GateConfig, checkoutPath: string | undefined, clock: Clock): GateSources {
  const { forgejo_url: forgejoUrl, repo_owner: owner = '', repo_name: name = '', branch, window } = config;
  const local = config.local_repo_path;
  if (config.commits) return { primary: staticSource(config.commits) };
  const learnedFrom = learnedFromOf(config);
  if (!forgejoUrl) return { primary: gitSource(local ?? '', branch, window), learnedFrom };
  const token = config.auth_token_file;
  return {
    primary: forgeSource({ forgejoUrl, owner, name, branch, window, token, clock }),
    fallback: local
      ? gitSource(local, branch, window, 'git-fallback')
      : checkoutPath === undefined
        ? undefined
        : checkoutSource(checkoutPath, `${owner}/${name}`, branch, window),
    learnedFrom,
  };
}
