// The commits of the window from gate.json, leniently: what is not of the known form tells nothing.

import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { AppError, isMissing, messageOf } from '../lib/app-error.ts';
import { commitSchema } from '../protocol/commit.ts';

const gateFileSchema = z.object({ commits: z.array(commitSchema) });

/** Newest first; undefined when there is no such file. Throws `cannot-read`. */
export async function readGateFile(path: string): Promise<string[] | undefined> {
  try {
    return gateFileSchema.parse(JSON.parse(await readFile(path, 'utf8'))).commits;
  } catch (error) {
    if (isMissing(error)) return undefined;
    const reason = error instanceof z.ZodError ? 'it does not list commits' : messageOf(error);
    throw new AppError('cannot-read', `${path} cannot be read: ${reason}`, {
      hint: 'the receiver writes it anew when it next reads the branch: cis490 gate status',
      cause: error,
    });
  }
}
