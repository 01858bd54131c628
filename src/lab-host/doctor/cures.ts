// The commands that cures are made of, as they are on this host: its configuration, its tree, its program.

import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { installBase } from '../../lib/install-root.ts';
import { shellWord } from '../../lib/shell-word.ts';
import { labHostConfigDefinition } from '../lab-host-config.ts';

export interface Cures {
  /** As a word of a shell. */
  configFile: string;
  editConfig: string;
  checkConfig: string;
  /** The doctor once more, with the rights of root. */
  again: string;
  /** `args`: words of a shell already. */
  cis490(args: string): string;
  /** A path of the installed tree that holds whatever the release; a word of a shell. */
  inRoot(path: string): string;
  installer: string;
  /** Brings the recording code of this host up to date. */
  update: readonly string[];
  /** Stamps VERSION. */
  stamp: readonly string[];
}

interface CuresFrom {
  configPath: string;
  installRoot: string;
  environment: NodeJS.ProcessEnv;
  /** Whom the tree of a git checkout belongs to. */
  user?: string;
  updatesItself?: boolean | undefined;
  /** Restarting a unit that is not enabled would start it. */
  records?: boolean;
}

export function createCures({ configPath, installRoot, environment, ...from }: CuresFrom): Cures {
  // What /opt/cis490/bin and /opt/cis490/scripts lead to is one release of several.
  const base = installBase(installRoot);
  const isCheckout = base === installRoot || existsSync(join(base, '.git'));
  const inRoot = (path: string) => shellWord(join(base, path));
  const program = isOnPath(installRoot, environment) ? 'cis490' : inRoot('bin/cis490');
  const isDefault = configPath === labHostConfigDefinition.defaultPath;
  const configFile = shellWord(configPath);
  const cis490 = (args: string) => `sudo ${program} ${args}${isDefault ? '' : ` --config ${configFile}`}`;
  const installer = `sudo ${inRoot('scripts/install-lab-host.sh')}`;
  const pull = `cd ${shellWord(base)} && sudo -u ${shellWord(from.user ?? 'cis490')} git pull origin main`;
  const restart = from.records ? ['sudo systemctl restart cis490-orchestrator'] : [];
  return {
    configFile,
    editConfig: `sudoedit ${configFile}`,
    checkConfig: `sudo ${program} config check ${configFile} --role lab-host`,
    again: cis490('doctor'),
    cis490,
    inRoot,
    installer,
    update: from.updatesItself
      ? ['sudo systemctl start cis490-autoupdate']
      : isCheckout
        ? [pull, installer, ...restart]
        : // Releases of bundles come by [autoupdate] alone: it has to be turned on.
          [`sudoedit ${configFile}`, installer, 'sudo systemctl start cis490-autoupdate'],
    stamp: [installer, ...restart],
  };
}

/** Whether the bare name runs this tree's program, and not another one's or nothing. */
function isOnPath(installRoot: string, environment: NodeJS.ProcessEnv): boolean {
  const ours = join(installRoot, 'bin/cis490');
  const found = (environment['PATH'] ?? '')
    .split(':')
    .filter((directory) => directory !== '')
    .map((directory) => join(directory, 'cis490'))
    .find((path) => existsSync(path));
  try {
    return found !== undefined && realpathSync(found) === realpathSync(ours);
  } catch {
    return false;
  }
}
