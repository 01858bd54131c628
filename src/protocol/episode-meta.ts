// meta.json, the description that each episode carries, and VERSION, the stamp of the code that makes episodes.

import { z } from 'zod';
import { parseJson } from '../lib/parse-json.ts';
import { commitSchema, parseCommit } from './commit.ts';

export const META_FILE = 'meta.json';
/** A larger one is no description any more: both ends take the episode as unstamped. */
export const MAX_META_BYTES = 16 * 1024 * 1024;
export const RECEIPT_FILE = 'receipt.json';
export const QUARANTINE_REASON_FILE = 'quarantine_reason.json';
/** Names at the top of an episode that are the shipper's own: never recorded, never packed. */
export const RESERVED_FILES: readonly string[] = [RECEIPT_FILE, QUARANTINE_REASON_FILE];

const codeVersionSchema = z.object({
  commit: commitSchema,
  dirty: z.boolean().default(false),
  stamped_at_wall: z.string().nullish(),
});
export type CodeVersion = z.infer<typeof codeVersionSchema>;

/** VERSION as JSON, or a bare commit on a line. Undefined when it is neither: nothing may be recorded under it. */
export function parseVersionFile(text: string): CodeVersion | undefined {
  const bare = parseCommit(text);
  if (bare) return { commit: bare, dirty: false, stamped_at_wall: null };
  const parsed = codeVersionSchema.safeParse(parseJson(text));
  return parsed.success ? parsed.data : undefined;
}

/** meta.json as the orchestrator writes it. */
export interface EpisodeMeta {
  episode_id: string;
  host_id: string;
  schema_version: string | null;
  workload: string;
  started_at_wall: string;
  ended_at_wall: string;
  /** Seconds by the monotonic clock. */
  duration_s: number;
  exit: { code: number | null; signal: string | null; timed_out: boolean };
  code_version: CodeVersion;
  /** Where a job asked for it: the job's id, and its file as it stood in the queue. */
  job?: { id: string; content: Record<string, unknown> };
  files: { path: string; bytes: number; sha256: string }[];
}

/** What both ends need of any recorder's meta.json. Whatever is absent or malformed is undefined: the receiver decides. */
export interface MetaStamp {
  commit: string | undefined;
  dirty: boolean;
  schemaVersion: string | undefined;
}

const stampSchema = z.object({
  schema_version: z.union([z.string(), z.number()]).nullish().catch(undefined),
  code_version: z
    .object({ commit: z.string().nullish().catch(undefined), dirty: z.boolean().nullish().catch(undefined) })
    .nullish()
    .catch(undefined),
});

export function readMetaStamp(metaText: string): MetaStamp {
  const parsed = stampSchema.safeParse(parseJson(metaText));
  if (!parsed.success) return { commit: undefined, dirty: false, schemaVersion: undefined };
  const { schema_version, code_version } = parsed.data;
  return {
    commit: code_version?.commit ? parseCommit(code_version.commit) : undefined,
    dirty: code_version?.dirty ?? false,
    schemaVersion: asHeaderText(schema_version),
  };
}

/** It travels in a header: what cannot be one would keep the whole episode from being sent. */
function asHeaderText(value: string | number | null | undefined): string | undefined {
  const text = String(value ?? '');
  return /^[\x21-\x7e](?:[\x20-\x7e]{0,126}[\x21-\x7e])?$/.test(text) ? text : undefined;
}
