// Paths in a configuration file: relative ones start at the file's own directory, so that a moved pair still fits.

import { resolve } from 'node:path';
import { z } from 'zod';
import type { ConfigContext } from './define-config.ts';

const ALLOWED = 'a path; a relative one starts at the directory of this file';

/** Output: an absolute path. Whether anything is there is for its user to find out. */
export function configPath({ baseDirectory }: ConfigContext) {
  return z
    .string()
    .refine((text) => text.trim() !== '' && !text.includes('\0'), ALLOWED)
    .transform((text) => resolve(baseDirectory, text))
    .meta({ allowed: ALLOWED });
}
