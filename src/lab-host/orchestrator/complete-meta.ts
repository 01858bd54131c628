// meta.json of an episode that another recorder made: its own fields stand where they are sound, and the rest is filled in.

import { z } from 'zod';
import { AppError } from '../../lib/app-error.ts';
import { parseJson } from '../../lib/parse-json.ts';
import { commitSchema } from '../../protocol/commit.ts';
import type { CodeVersion } from '../../protocol/episode-meta.ts';
import { isEpisodeId } from '../../protocol/ids.ts';

/** What the command line says; it fills in, and contradicts nothing but the name. */
export interface GivenMeta {
  id: string | undefined;
  commit: string | undefined;
  schemaVersion: string | undefined;
}

const text = z.string().min(1);
const known = z.looseObject({
  episode_id: text.refine(isEpisodeId).optional().catch(undefined),
  schema_version: z.union([text, z.number()]).optional().catch(undefined),
  workload: text.optional().catch(undefined),
  started_at_wall: text.optional().catch(undefined),
  ended_at_wall: text.optional().catch(undefined),
  duration_s: z.number().nonnegative().optional().catch(undefined),
  exit: z.looseObject({}).optional().catch(undefined),
  code_version: z
    .looseObject({
      commit: commitSchema,
      dirty: z.boolean().default(false),
      stamped_at_wall: z.string().nullish().default(null),
    })
    .optional()
    .catch(undefined),
});

export interface CompletedMeta extends Record<string, unknown> {
  episode_id: string;
  code_version: CodeVersion | null;
}

/** The object in meta.json; undefined when it holds none, and another is to be made. */
export function parseRecorderMeta(metaText: string): Record<string, unknown> | undefined {
  const value = parseJson(metaText);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}

/**
 * The id is the one given, else meta.json's, else `defaultId`. What is not known is null: times are not made up. Throws `bad-input`
 * when the command line names another commit or schema version than meta.json.
 */
export function completeMeta(
  own: Record<string, unknown>,
  given: GivenMeta,
  hostId: string,
  defaultId: () => string,
): CompletedMeta {
  const sound = known.parse(own);
  refuseOther('--commit', given.commit, sound.code_version?.commit);
  refuseOther('--schema-version', given.schemaVersion, sound.schema_version?.toString());
  const stamped = given.commit ? { commit: given.commit, dirty: false, stamped_at_wall: null } : null;
  return {
    ...own,
    episode_id: given.id ?? sound.episode_id ?? defaultId(),
    host_id: hostId,
    schema_version: sound.schema_version ?? given.schemaVersion ?? null,
    workload: sound.workload ?? 'publish',
    started_at_wall: sound.started_at_wall ?? null,
    ended_at_wall: sound.ended_at_wall ?? null,
    duration_s: sound.duration_s ?? null,
    exit: sound.exit ?? null,
    code_version: sound.code_version ?? stamped,
  };
}

function refuseOther(option: string, given: string | undefined, own: string | undefined): void {
  if (given === undefined || own === undefined || given === own) return;
  throw new AppError('bad-input', `${option} says ${given}, and the meta.json of the directory says ${own}`, {
    hint: `leave ${option} away, or correct meta.json`,
  });
}
