// The configuration has been read; the credentials that it names must be usable, too.

import { lstat } from 'node:fs/promises';
import { errnoOf } from '../../../lib/app-error.ts';
import { green, red } from '../../../lib/self-check/check-result.ts';
import { mayUse } from '../../../lib/self-check/service-user.ts';
import { shellWord } from '../../../lib/shell-word.ts';
import type { Check } from '../check.ts';
import type { DoctorContext } from '../doctor-context.ts';
import { layerCure } from '../layer-cures.ts';
import { LOOK_LIMIT_MS } from './receiver-layers.ts';

const OTHERS = 0o007;

export const configurationCheck: Check<'configuration'> = {
  id: 'configuration',
  timeoutMs: LOOK_LIMIT_MS,
  async run(context) {
    const { receiver, configPath, configWarnings } = context;
    const report = await receiver.layer('configuration');
    if (report?.status !== 'failed') {
      const deprecated =
        configWarnings.length === 0 ? '' : `; ${configWarnings.length} deprecated: ${configWarnings[0]}`;
      return green(`${configPath} is sound${deprecated}`);
    }
    const { code, detail } = report;
    if (code !== 'credentials-unusable') {
      const { advice, commands } = await layerCure(code, context);
      return red(`${detail} (${code}): ${advice}`, ...commands);
    }
    return red(detail, ...(await credentialCures(context)));
  },
};

/** By what is wrong with each file that [receiver] names. */
async function credentialCures({ config, cures, user }: DoctorContext): Promise<string[]> {
  const { tls, bearer_token_file: token } = config.receiver;
  const secrets = [token?.path, tls?.key_file];
  const commands: string[] = [];
  for (const path of [...secrets, tls?.cert_file, tls?.ca_file]) {
    if (path === undefined) continue;
    const word = shellWord(path);
    try {
      const stats = await lstat(path);
      if (stats.isSymbolicLink()) continue;
      if (!mayUse(stats, user, 'read')) commands.push(`sudo chown ${shellWord(`${user.name}:${user.group}`)} ${word}`);
      if (secrets.includes(path) && (stats.mode & OTHERS) !== 0) commands.push(`sudo chmod 0600 ${word}`);
    } catch (error) {
      commands.push(
        errnoOf(error) === 'ENOENT' && path !== token?.path && path !== tls?.ca_file
          ? 'sudo systemctl start cis490-cert-fetch'
          : `ls -l ${word}`,
      );
    }
  }
  return [...commands, cures.editConfig, cures.checkConfig];
}
