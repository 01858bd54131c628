// What one configuration file may hold: its schema as a function of where the file lies, and the keys of older versions.

import type { z } from 'zod';

export interface ConfigContext {
  /** The absolute directory of the configuration file: relative paths in it start here. */
  readonly baseDirectory: string;
}

/** A key that an older version read. It still works, with a warning. */
export interface OlderKey {
  /** From the top, such as `['version_gate', 'repo_path']`. */
  readonly path: readonly [string, ...string[]];
  /** The key of the same table that takes its value. */
  readonly instead: string;
  /** True when the older key held a secret itself, where the new one names a file: the value becomes a `Secret`. */
  readonly inlineSecret?: boolean;
}

/**
 * Keys carry `.meta()`: `description` (required), `example` (required where there is no default), and, as needed,
 * `allowed` (the accepted values in words), `secret: true` (mistakes never show the value) and `inExample: true` (an
 * optional key that the example file sets). Not zod's own `examples`, which it drops from whatever is transformed;
 * there `.default()` is dropped as well, so that a transformed key takes `.prefault()`.
 */
export interface ConfigDefinition<Schema extends z.ZodObject = z.ZodObject> {
  readonly title: string;
  /** Where the file is looked for when nothing names another. */
  readonly defaultPath: string;
  readonly olderKeys: readonly OlderKey[];
  readonly schema: (context: ConfigContext) => Schema;
}

export type ConfigOf<Definition extends ConfigDefinition> = z.output<ReturnType<Definition['schema']>>;

export function defineConfig<Schema extends z.ZodObject>(
  definition: ConfigDefinition<Schema>,
): ConfigDefinition<Schema> {
  return definition;
}

/** For a mistake that a schema of ours raises: what was found, and what is allowed, both in words. */
export function addMistake(
  context: z.core.$RefinementCtx,
  found: string,
  allowed: string,
  path: PropertyKey[] = [],
): void {
  context.addIssue({ code: 'custom', path, message: allowed, params: { found } });
}

/** For `when` of a check across keys: runs it in spite of mistakes in other keys, so that all are reported at once. */
export function whenSound(...keys: string[]): (payload: z.core.ParsePayload) => boolean {
  return ({ issues }) =>
    issues.every((issue) => {
      const key = issue.path?.[0];
      return key === undefined ? issue.code === 'unrecognized_keys' : !keys.includes(String(key));
    });
}
