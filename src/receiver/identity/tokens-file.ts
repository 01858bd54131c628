// The tokens that the maintainer has handed out, without the tokens themselves: a JSON file that `cis490 token create` writes and
// the receiver reads. What became of a token later (its revocation) is in control.db.

import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { AppError, isMissing, messageOf } from '../../lib/app-error.ts';
import { hostIdSchema } from '../../protocol/ids.ts';

export const TOKEN_ROLES = ['host', 'fleet', 'reader', 'admin'] as const;
export type TokenRole = (typeof TOKEN_ROLES)[number];

const tokenRecordSchema = z
  .strictObject({
    id: z.string().min(1).max(64),
    role: z.enum(TOKEN_ROLES),
    /** The one host that a `host` token speaks for. */
    host: hostIdSchema.optional(),
    sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in 64 lower-case hex digits'),
    created_at: z.iso.datetime({ offset: true }),
    /** Without it: never. */
    expires_at: z.iso.datetime({ offset: true }).optional(),
  })
  .refine(({ role, host }) => (role === 'host') === (host !== undefined), {
    message: 'a token of role host has a host, and no other has one',
    path: ['host'],
  });
export type TokenRecord = z.infer<typeof tokenRecordSchema>;

const tokensFileSchema = z.strictObject({ tokens: z.array(tokenRecordSchema) });

/** No file is no tokens. Throws `bad-tokens-file`. */
export function readTokensFile(path: string): TokenRecord[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return [];
    throw unreadable(path, messageOf(error), error);
  }
  try {
    const parsed = tokensFileSchema.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data.tokens;
    const [issue] = parsed.error.issues;
    throw new Error(`${issue?.path.join('.')}: ${issue?.message}`);
  } catch (error) {
    throw unreadable(path, messageOf(error), error);
  }
}

function unreadable(path: string, reason: string, cause: unknown): AppError {
  return new AppError('bad-tokens-file', `cannot read the tokens in ${path}: ${reason}`, {
    hint: `correct it, or restore it from a backup; its tokens are listed by: cis490 token list`,
    cause,
  });
}
