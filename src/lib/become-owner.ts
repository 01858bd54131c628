// What root runs by hand on a directory of a service runs as that service's user, so that no root-owned file stays behind.

import { access, constants, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { AppError, errnoOf, isMissing } from './app-error.ts';

/**
 * For root: gives up its rights for good, for those of whom the directory belongs to. For everybody else: makes sure that they may
 * write there. Throws `bad-input` when the directory is missing, `not-permitted`.
 */
export async function becomeOwner(directory: string): Promise<void> {
  const { uid, gid } = await stat(directory).catch((error: unknown) => {
    if (errnoOf(error) === 'EACCES') throw notPermitted(directory, error);
    if (!isMissing(error)) throw error;
    throw new AppError('bad-input', `there is no ${directory}`, {
      hint: 'the receiver makes it at its first start: systemctl status cis490-receiver',
      cause: error,
    });
  });
  if (process.getuid?.() === 0) {
    if (uid !== 0) become(uid, gid);
    return;
  }
  await access(directory, constants.R_OK | constants.W_OK | constants.X_OK).catch((error: unknown) => {
    throw notPermitted(directory, error);
  });
}

function notPermitted(directory: string, cause: unknown): AppError {
  return new AppError('not-permitted', `${loginName()} may not write to ${directory}`, {
    hint: 'run it again with sudo',
    cause,
  });
}

/** Node has it; its types have not. */
interface WithInitgroups {
  initgroups(user: number, extraGroup: number): void;
}

/** The groups first, the user last: after that nothing of it can be changed any more. */
function become(uid: number, gid: number): void {
  try {
    (process as NodeJS.Process & WithInitgroups).initgroups(uid, gid);
  } catch {
    // The user has no entry in the password file, so no groups beside the directory's own.
    process.setgroups?.([gid]);
  }
  process.setgid?.(gid);
  process.setuid?.(uid);
}

/** Who is at the keyboard, for the record: behind sudo, whoever called it. */
export function loginName(environment: NodeJS.ProcessEnv = process.env): string {
  const behindSudo = process.getuid?.() === 0 ? environment['SUDO_USER'] : undefined;
  if (behindSudo) return behindSudo;
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.()}`;
  }
}
