// One writer of update-state.json at a time, the updater or the guard (a shell script): a count that the guard has just read must not
// come back over a confirmation. A symbolic link is made whole or not at all; what it "leads to" is its holder, so that a dead one is seen.

import { readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, isMissing } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';

const LOOK_AGAIN_MS = 50;
// The guard holds it for moments, or for as long as it takes to put units in place.
const PATIENCE_MS = 60_000;

export type LockOutcome<T> = { kind: 'done'; value: T } | { kind: 'held'; holder: string };

/** `held`: by somebody who lives and did not let go in a minute. */
export async function withStateLock<T>(guard: string, clock: Clock, work: () => Promise<T>): Promise<LockOutcome<T>> {
  const path = join(guard, 'update-state.lock');
  const me = holderOf(process.pid) ?? `:${process.pid}:`;
  const untilMs = clock.monotonicMs() + PATIENCE_MS;
  for (;;) {
    const holder = take(path, me);
    if (holder === undefined) break;
    if (clock.monotonicMs() >= untilMs) return { kind: 'held', holder };
    await clock.sleep(LOOK_AGAIN_MS);
  }
  try {
    return { kind: 'done', value: await work() };
  } finally {
    if (readIfLink(path) === me) rmSync(path, { force: true });
  }
}

/** Undefined when it was taken; else who has it. */
function take(path: string, me: string): string | undefined {
  const holder = makeLink(path, me);
  if (holder !== undefined && holder !== '' && !isAlive(holder)) breakLock(path, holder, me);
  return holder;
}

/** Undefined when it was made; else what is there, or was a moment ago: ''. */
function makeLink(path: string, me: string): string | undefined {
  try {
    symlinkSync(me, path);
    return undefined;
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    return readIfLink(path) ?? '';
  }
}

/**
 * Under a lock of its own: who is dead lets go of nothing, and nobody else takes it away, so that it is still the same when it is removed.
 */
function breakLock(path: string, holder: string, me: string): void {
  const breaking = `${path}.break`;
  const breaker = makeLink(breaking, me);
  if (breaker === undefined) {
    if (readIfLink(path) === holder) rmSync(path, { force: true });
    rmSync(breaking, { force: true });
  } else if (breaker !== '' && !isAlive(breaker)) rmSync(breaking, { force: true });
}

/** `<boot>:<pid>:<start time>`: a pid alone may be somebody else's by now. As scripts/update-guard.sh writes it. */
function holderOf(pid: number): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return `${boot}:${pid}:${fields[19]}`;
  } catch {
    return undefined;
  }
}

function isAlive(holder: string): boolean {
  const pid = Number(holder.split(':')[1]);
  return Number.isInteger(pid) && pid > 0 && holderOf(pid) === holder;
}

function readIfLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
