// The configuration has been read; the certificates that it names must be usable, too.

import { AppError } from '../../../lib/app-error.ts';
import { green, red } from '../../../lib/self-check/check-result.ts';
import { tlsOptionsOf } from '../../http/tls-options.ts';
import { hasCredential } from '../../receiver-config.ts';
import type { Check } from '../check.ts';

export const configurationCheck: Check<'configuration'> = {
  id: 'configuration',
  timeoutMs: 10_000,
  async run({ config, configPath, configWarnings, cures, nowMs }) {
    try {
      tlsOptionsOf(config.listen, nowMs);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const look = error.hint?.replace(/^[^:]*: /, '');
      return red(error.message, ...(look === undefined ? [] : [look]), cures.editConfig, cures.checkConfig);
    }
    const open = hasCredential(config) ? '' : '; no credential: this machine alone is served';
    const old = configWarnings.length === 0 ? '' : `; ${configWarnings.length} deprecated: ${configWarnings[0]}`;
    return green(`${configPath} is sound${open}${old}`);
  },
};
