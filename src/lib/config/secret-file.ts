// Secrets come from files that others cannot read, and leave this module only through `reveal()`: no log line, JSON or
// inspection shows them.

import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { inspect } from 'node:util';
import { z } from 'zod';
import { errnoOf } from '../app-error.ts';
import { shellWord } from '../shell-word.ts';
import { addMistake, type ConfigContext } from './define-config.ts';
import { describeKind } from './describe-found.ts';

const MOST_BYTES = 64 * 1024;
const ALLOWED = 'the path of a file that holds the secret and that others cannot read (mode 0600)';

export class Secret {
  readonly #value: string;
  /** The file that it came from, to be read again when it changes; undefined for one written into the configuration itself. */
  readonly path: string | undefined;

  constructor(value: string, path?: string) {
    this.#value = value;
    this.path = path;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[redacted]';
  }

  toJSON(): string {
    return '[redacted]';
  }

  [inspect.custom](): string {
    return '[redacted]';
  }
}

/** For a key ending in `_file` that names a secret. Output: the file's content without white space around it. */
export function secretFile({ baseDirectory }: ConfigContext) {
  return z
    .unknown()
    .transform((value, context): Secret => {
      // The inline value of an older key arrives wrapped already.
      if (value instanceof Secret) return value;
      const read: ReadOutcome =
        typeof value === 'string' && value.trim() !== '' && !value.includes('\0')
          ? readSecret(resolve(baseDirectory, value))
          : { found: describeKind(value), allowed: ALLOWED };
      if ('secret' in read) return read.secret;
      addMistake(context, read.found, read.allowed);
      return z.NEVER;
    })
    .meta({ allowed: ALLOWED, secret: true });
}

type ReadOutcome = { secret: Secret } | { found: string; allowed: string };

/** Reads one again, or another that no configuration key names itself, by the same rules. */
export function readSecret(path: string): ReadOutcome {
  let descriptor: number;
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for its writer for ever.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    // The text may be the secret itself, put here by mistake, as long as no file proves it to be a path.
    const reason = errnoOf(error) === 'ENOENT' ? 'no file is there' : `it cannot be opened (${errnoOf(error)})`;
    return { found: `a path (not shown: it may be the secret itself), but ${reason}`, allowed: ALLOWED };
  }
  try {
    return readOpened(descriptor, path);
  } catch (error) {
    return { found: `${path}, which cannot be read (${errnoOf(error)})`, allowed: ALLOWED };
  } finally {
    closeSync(descriptor);
  }
}

function readOpened(descriptor: number, path: string): ReadOutcome {
  const status = fstatSync(descriptor);
  if (!status.isFile()) return { found: `${path}, which is not a regular file`, allowed: ALLOWED };
  if ((status.mode & 0o007) !== 0) {
    const mode = (status.mode & 0o7777).toString(8).padStart(4, '0');
    return {
      found: `${path}, which others can read or write (mode ${mode})`,
      allowed: `mode 0600; run: chmod 0600 ${shellWord(path)}`,
    };
  }
  if (status.size > MOST_BYTES) {
    return { found: `${path}, which holds ${status.size} bytes`, allowed: 'a secret of at most 64 KiB' };
  }
  const value = readFileSync(descriptor, 'utf8').trim();
  if (value === '') return { found: `${path}, which is empty`, allowed: 'a file that holds the secret' };
  return { secret: new Secret(value, path) };
}
