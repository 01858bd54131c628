// Files that whoever asks may not read are no fault of this machine, unless it is the service itself that asks.

import { AppError } from '../app-error.ts';
import type { ConfigError } from '../config/config-error.ts';

const SERVICE = 'cis490';

/** Throws `bad-input`. */
export function requireRights(error: ConfigError, uid: number, loginName: string): void {
  if (uid === 0 || loginName === SERVICE) return;
  const forbidden = error.mistakes.find(({ message }) => /\bEACCES\b|\bEPERM\b/.test(message));
  if (!forbidden) return;
  throw new AppError('bad-input', `${loginName} may not read what this machine is configured with: ${error.message}`, {
    hint: 'run it again with sudo',
    cause: error,
  });
}
