// The one error type for failures that a person may see: what happened, where, and what to run next.

export interface AppErrorOptions {
  /** The next command or edit that cures it, in one line. */
  hint?: string;
  /** True when the same call may succeed later without anybody's help. */
  retryable?: boolean;
  cause?: unknown;
}

/** A failure with a stable kebab-case `code`. Expected outcomes are returned as unions, never thrown. */
export class AppError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly retryable: boolean;

  constructor(code: string, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.hint = options.hint;
    this.retryable = options.retryable ?? false;
  }
}

/** The errno name (`ENOENT`, `ENOSPC`, …) of a system error, or undefined. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** True only for ENOENT: any other failure to look is not proof that a thing is missing. */
export function isMissing(error: unknown): boolean {
  return errnoOf(error) === 'ENOENT';
}

/** True for a write that failed because the filesystem or the quota is full. */
export function isNoRoom(error: unknown): boolean {
  return errnoOf(error) === 'ENOSPC' || errnoOf(error) === 'EDQUOT';
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
