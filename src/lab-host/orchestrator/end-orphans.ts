// A workload outlives an orchestrator that is killed where no systemd cleans up after it. It is ended before its recording is set
// aside: else its job would be run again beside it, and what was set aside would still grow.

import { lstat, readdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { endProcessGroup } from './process-group.ts';

const EPISODE_DIR = 'CIS490_EPISODE_DIR=';

export interface OrphanContext {
  /** `<data_dir>/recording`; the caller holds the lock of the data directory, so whatever records there is of an earlier life. */
  recordingDirectory: string;
  clock: Clock;
  logger: Logger;
}

/**
 * Ends each process group that records into a directory which still lies in `recording/`, told by the environment that a workload is
 * given (proc_pid_environ(5)). A process that cleared it, or runs as another user, is not found: what it writes goes where its
 * recording is moved to, and what it makes anew in `recording/` is set aside at the next start. Neither is ever shipped.
 */
export async function endOrphans({ recordingDirectory, clock, logger }: OrphanContext): Promise<void> {
  const groups = new Map<number, string>();
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const directory = await episodeDirectoryOf(pid);
    if (directory === undefined || dirname(directory) !== recordingDirectory) continue;
    const groupId = await groupOf(pid);
    if (groupId !== undefined && (await isThere(directory))) groups.set(groupId, directory);
  }
  // This process may itself be a workload, of some other orchestrator: never its own group.
  const own = await groupOf('self');
  if (own !== undefined) groups.delete(own);
  for (const [group, path] of groups) {
    logger.warn({ group, path }, 'ended a workload that an earlier orchestrator left running');
    await endProcessGroup(group, clock);
  }
}

async function episodeDirectoryOf(pid: string): Promise<string | undefined> {
  const environment = await readProcess(pid, 'environ');
  const entry = environment?.split('\0').find((text) => text.startsWith(EPISODE_DIR));
  return entry?.slice(EPISODE_DIR.length);
}

/** Field 5 of proc_pid_stat(5); the name before it may hold anything. */
async function groupOf(pid: string): Promise<number | undefined> {
  const text = await readProcess(pid, 'stat');
  const groupId = Number(text?.slice(text.lastIndexOf(')') + 2).split(' ')[2]);
  return groupId > 1 ? groupId : undefined;
}

/** Undefined for a process that is gone, or not ours to look into. */
async function readProcess(pid: string, file: string): Promise<string | undefined> {
  try {
    return await readFile(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    return false;
  }
}
