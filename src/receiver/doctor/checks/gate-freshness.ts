// Whether the gate still learns which commits are current: when it does not, it cannot refuse, and at last it takes nothing new.

import { formatDuration } from '../../../lib/format-duration.ts';
import { green, red, yellow } from '../../../lib/self-check/check-result.ts';
import { windowOf } from '../../version-gate/choose-sources.ts';
import { lookIntoGateFile } from '../../version-gate/manage-gate.ts';
import type { Check } from '../check.ts';

// The receiver writes it down once a minute, however quiet it is.
const LATE_S = 5 * 60;
const TOO_LATE_S = 30 * 60;

export const gateFreshnessCheck: Check<'gate-freshness'> = {
  id: 'gate-freshness',
  timeoutMs: 10_000,
  async run({ config, cures, nowMs }) {
    const { version_gate: gate, store } = config;
    if (!gate.enabled) return green('the gate is off: episodes of any code are stored');
    if (gate.commits) return green(`${windowOf(gate)} commits stand in the configuration`);
    const look = [cures.cis490('gate status'), 'sudo journalctl -u cis490-receiver -n 50 --no-pager'];
    const { file, problem } = lookIntoGateFile(gate, store.root);
    if (!file) return red(problem ?? 'the gate has learnt nothing yet', ...look);
    if (file.commits.length === 0) return red('the gate knows no commit: every episode is answered with 503', ...look);
    const ageS = (nowMs - Date.parse(file.refreshed_at_wall ?? '')) / 1000;
    const why = file.last_error === null ? '' : `: ${file.last_error}`;
    if (Number.isNaN(ageS)) return red(`the gate was never refreshed${why}`, ...look);
    const found = `the branch was read ${formatDuration(Math.max(0, ageS))} ago`;
    if (ageS > TOO_LATE_S) return red(`${found}${why}`, ...look);
    if (ageS > LATE_S || file.last_error !== null) return yellow(`${found}${why}`, ...look);
    if (file.source === 'git-fallback') return yellow(`${found}, from the fallback`, ...look);
    return green(`${found} from ${file.source}, head ${file.commits[0]?.slice(0, 12)}`);
  },
};
