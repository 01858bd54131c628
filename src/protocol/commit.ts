// A git object id in full: 40 hex digits (SHA-1) or 64 (SHA-256).

import { z } from 'zod';

const COMMIT_PATTERN = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

export const commitSchema = z
  .string()
  .transform((text) => text.toLowerCase())
  .pipe(z.string().regex(COMMIT_PATTERN, 'must be a full git commit, 40 or 64 hex digits'));

/** The commit in lower case, or undefined when the text is not one. */
export function parseCommit(text: string): string | undefined {
  const parsed = commitSchema.safeParse(text.trim());
  return parsed.success ? parsed.data : undefined;
}
