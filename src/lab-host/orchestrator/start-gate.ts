// Whether a recording may start now. Each refusal is logged once with its cure, and once more when it is over.

import { join } from 'node:path';
import { isThere } from '../../lib/is-there.ts';
import type { Logger } from '../../lib/logger.ts';
import type { CodeVersion } from '../../protocol/episode-meta.ts';
import { BACKPRESSURE_FILE } from '../data-layout.ts';
import { readCodeVersion } from './read-code-version.ts';
import type { Workload } from './record-episode.ts';

export interface StartGate {
  /** False while the disk is short and `BACKPRESSURE` is present. Throws when it cannot be looked for. */
  isOpen(): Promise<boolean>;
  /** The stamp for a recording that starts now; undefined when there is none, and nothing may be recorded. */
  codeVersionFor(workload: Workload): Promise<CodeVersion | undefined>;
}

export function createStartGate(dataDir: string, installRoot: string, logger: Logger): StartGate {
  const backpressurePath = join(dataDir, BACKPRESSURE_FILE);
  let held = false;
  const refusals = new Map<string, string>();

  return {
    async isOpen() {
      const present = await isThere(backpressurePath);
      if (present && !held) {
        const hint = `the shipper removes it once there is room again: df -h ${dataDir}; systemctl status cis490-shipper`;
        logger.warn({ path: backpressurePath, hint }, 'the disk is short: no recording starts');
      }
      if (!present && held) logger.info({ path: backpressurePath }, 'there is room again: recordings start');
      held = present;
      return !present;
    },

    async codeVersionFor({ name, code_root }) {
      const answer = await readCodeVersion(installRoot, code_root);
      if (answer.kind === 'stamped') {
        if (refusals.delete(name)) logger.info({ workload: name }, 'the code has its VERSION: the workload may start');
        return answer.codeVersion;
      }
      const { reason, hint } = answer;
      if (refusals.get(name) !== reason) {
        logger.error({ workload: name, reason, hint }, 'the code has no usable VERSION: the workload is not started');
        refusals.set(name, reason);
      }
      return undefined;
    },
  };
}
