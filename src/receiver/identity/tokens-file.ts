// The tokens that the maintainer has handed out, without the tokens themselves: a JSON file that `cis490 token create` writes and
// the receiver reads. What became of a token later (its revocation) is in control.db.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { chmod, lchown, open, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { AppError, errnoOf, isMissing, messageOf } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import { toJsonFile, writeFileDurably } from '../../lib/durable-file.ts';
import { acquireExclusiveLock, type ExclusiveLock } from '../../lib/exclusive-lock.ts';
import { parseJson } from '../../lib/parse-json.ts';
import { removeFile } from '../../lib/remove-file.ts';
import { shellWord } from '../../lib/shell-word.ts';
import { hostIdSchema } from '../../protocol/ids.ts';

const TOKEN_ROLES = ['host', 'fleet', 'reader', 'admin'] as const;
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

const tokensFileSchema = z.strictObject(
  { tokens: z.array(tokenRecordSchema) },
  'it is not a JSON object with a list "tokens" and nothing else',
);

/** No file is no tokens. Throws `bad-tokens-file`. */
export function readTokensFile(path: string): TokenRecord[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return [];
    if (errnoOf(error) === 'EACCES') throw notPermitted(path, error);
    throw unreadable(path, messageOf(error), error, `see what it is: ls -ld ${path}`);
  }
  const parsed = tokensFileSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data.tokens;
  const [issue] = parsed.error.issues;
  const place = issue?.path.length ? `${issue.path.join('.')}: ` : '';
  throw unreadable(path, `${place}${issue?.message ?? 'not what it should be'}`, parsed.error);
}

// Writing it takes milliseconds: who has waited that long for another waits for something that hangs.
const LOCK_PAUSE_MS = 20;
const LOCK_TRIES = 500;
const MODE = 0o640;

/**
 * Adds the record that `make` gives for those that are there: durably, whole or not at all, and one caller after the other. The owner
 * of a file that is there stays; a new one gets that of its directory, and the group of `storeRoot`, which is the receiver's, so that
 * the receiver reads what root has made. Throws `bad-tokens-file`, `already-running`,
 * `cannot-write-tokens`.
 */
export async function addToken(
  path: string,
  make: (existing: readonly TokenRecord[]) => TokenRecord,
  { clock, storeRoot }: { clock: Clock; storeRoot: string },
): Promise<TokenRecord> {
  try {
    const owner = await ownerFor(path, storeRoot);
    const lock = await waitForLock(path, clock, owner);
    try {
      return await addUnderLock(path, make, storeRoot);
    } finally {
      lock.release();
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('cannot-write-tokens', `cannot write ${path}: ${messageOf(error)}`, {
      hint: `run it with sudo, or see who may write there: ls -ld ${dirname(path)}`,
      cause: error,
    });
  }
}

async function addUnderLock(
  path: string,
  make: (existing: readonly TokenRecord[]) => TokenRecord,
  storeRoot: string,
): Promise<TokenRecord> {
  const existing = readTokensFile(path);
  const record = make(existing);
  const tokens = tokensFileSchema.parse({ tokens: [...existing, record] });
  const temporaryPath = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    await (await open(temporaryPath, 'wx', MODE)).close();
    // Looked at again: another may have made the file while this one waited.
    await giveTo(temporaryPath, await ownerFor(path, storeRoot));
    await chmod(temporaryPath, MODE);
    await writeFileDurably(path, toJsonFile(tokens), { temporaryPath });
  } catch (error) {
    await removeFile(temporaryPath);
    throw error;
  }
  return record;
}

async function waitForLock(path: string, clock: Clock, owner: Owner): Promise<ExclusiveLock> {
  const [directory, name] = [dirname(path), basename(path)];
  for (let tries = 1; ; tries += 1) {
    try {
      const lock = acquireExclusiveLock(directory, name);
      await giveTo(join(directory, `.${name}.lock.db`), owner);
      return lock;
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'already-running') || tries === LOCK_TRIES) throw error;
    }
    await clock.sleep(LOCK_PAUSE_MS);
  }
}

interface Owner {
  uid: number;
  gid: number;
}

async function ownerFor(path: string, storeRoot: string): Promise<Owner> {
  const existing = await statIfThere(path);
  if (existing) return existing;
  const directory = await stat(dirname(path));
  // Before the receiver's first start there may be no store yet.
  return { uid: directory.uid, gid: (await statIfThere(storeRoot))?.gid ?? directory.gid };
}

async function statIfThere(path: string): Promise<Owner | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** As far as the system lets us: root may give files away, anybody else may only change among the groups of its own. */
async function giveTo(path: string, { uid, gid }: Owner): Promise<void> {
  try {
    await lchown(path, uid, gid);
  } catch (error) {
    if (errnoOf(error) !== 'EPERM') throw error;
  }
}

/** The file may be good: nothing in it is to be corrected. */
function notPermitted(path: string, cause: unknown): AppError {
  const reason = `uid ${process.geteuid?.()} may not read the file or a directory above it (${messageOf(cause)})`;
  const file = shellWord(path);
  return unreadable(
    path,
    reason,
    cause,
    `sudo chgrp ${process.getegid?.()} ${file} && sudo chmod 640 ${file}; and see the directories: namei -l ${file}`,
  );
}

function unreadable(path: string, reason: string, cause: unknown, hint?: string): AppError {
  return new AppError('bad-tokens-file', `cannot read the tokens in ${path}: ${reason}`, {
    hint: hint ?? 'correct it, or restore it from a backup: it holds digests, and no token can be made from them again',
    cause,
  });
}
