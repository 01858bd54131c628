// Ends a workload with all that it forked: the signals go to the process group, which the command leads.

import { errnoOf } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';

const GRACE_MS = 5_000;
/** How long to wait for the kernel after SIGKILL: a process in an uninterruptible read may outlive it. */
const KILLED_WAIT_MS = 1_000;
const POLL_MS = 20;

/** SIGTERM, then SIGKILL to what is left after 5 s. Resolves when the group is gone, or cannot be ended at all. */
export async function endProcessGroup(groupId: number, clock: Clock): Promise<void> {
  if (!signalGroup(groupId, 'SIGTERM')) return;
  if (await isGoneWithin(groupId, GRACE_MS, clock)) return;
  signalGroup(groupId, 'SIGKILL');
  await isGoneWithin(groupId, KILLED_WAIT_MS, clock);
}

/** True once no process of the group is left; false when some still are after `waitMs`. */
export async function isGoneWithin(groupId: number, waitMs: number, clock: Clock): Promise<boolean> {
  const deadlineMs = clock.monotonicMs() + waitMs;
  while (signalGroup(groupId, 0)) {
    if (clock.monotonicMs() >= deadlineMs) return false;
    await clock.sleep(POLL_MS);
  }
  return true;
}

/** False when the group has no process left (ESRCH of kill(2)). One that we may not signal (EPERM) is there. */
function signalGroup(groupId: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-groupId, signal);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return false;
    if (errnoOf(error) === 'EPERM') return true;
    throw error;
  }
}
