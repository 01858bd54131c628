// What the last update came to, or that one is on trial.

import { AppError } from '../../../lib/app-error.ts';
import { readIfThere } from '../../../lib/read-if-there.ts';
import { green, red, yellow } from '../../../lib/self-check/check-result.ts';
import { updateStatePath, updateStateSchema } from '../../../protocol/update-state.ts';
import type { Check } from '../check.ts';

const LOOK = 'sudo journalctl -u cis490-autoupdate -n 50 --no-pager';
// Runs in a row: a single one fails for want of a network.
const FAILURES_THAT_COUNT = 3;
const AGAIN = 'sudo systemctl start cis490-autoupdate';

export const autoupdateCheck: Check<'autoupdate'> = {
  id: 'autoupdate',
  timeoutMs: 10_000,
  async run({ layout }) {
    const path = updateStatePath(layout.root);
    const text = await readIfThere(path);
    if (text === undefined) return green('has not run');
    const { last, pending, flipped } = parse(path, text);
    if (flipped) {
      const back = `the guard took ${short(flipped.to)} back to ${short(flipped.from)}: ${flipped.why}`;
      return red(back, LOOK, AGAIN);
    }
    if (pending) return green(`${short(pending.to)} is on trial; before it ran ${short(pending.from)}`);
    if (!last) return green('has not run');
    const { result, at_wall, commit, target, detail } = last;
    const when = at_wall ? ` at ${at_wall}` : '';
    const why = detail ? `: ${detail}` : '';
    if (result === 'current') return green(`nothing newer${when}${why}`);
    if (result === 'updated') return green(`updated to ${short(target ?? commit)}${when}`);
    if (result === 'failed') {
      const failures = last.failures ?? 1;
      const often = failures > 1 ? `, ${failures} times in a row` : '';
      const tell = failures >= FAILURES_THAT_COUNT ? red : yellow;
      return tell(`the update to ${short(target)} failed${when}${often}${why}`, LOOK, AGAIN);
    }
    return red(`the update to ${short(target)} was rolled back to ${short(commit)}${when}${why}`, LOOK, AGAIN);
  },
};

function parse(path: string, text: string) {
  try {
    return updateStateSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new AppError('update-state-malformed', `${path} is not what an update writes`, { cause: error });
  }
}

function short(commit: string | null | undefined): string {
  return commit ? commit.slice(0, 12) : 'another release';
}
