// The seed: the few facts that make a lab host of a machine, in a small TOML file. Its token is taken out once it has been used.

import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import { addMistake, type ConfigOf, defineConfig } from '../../lib/config/define-config.ts';
import { writeFileDurably } from '../../lib/durable-file.ts';
import { isThere } from '../../lib/is-there.ts';
import { parseFingerprint } from '../../protocol/est.ts';
import { hostIdSchema } from '../../protocol/ids.ts';
import { parseReleaseKey } from '../../protocol/release.ts';
import { receiverUrl } from '../lab-host-config.ts';

/** Looked for in this order. The boot partition of an image is one that any machine can write to. */
export const SEED_PATHS = ['/etc/cis490/seed.toml', '/boot/cis490-seed.toml', '/boot/firmware/cis490-seed.toml'];

export type Seed = ConfigOf<typeof seedDefinition>;

const FINGERPRINT = 'the SHA-256 of the authority, 64 hex digits, as cis490 ca token prints it';

/** Each key may be missing: the command line may have it. */
export const seedDefinition = defineConfig({
  title: 'Seed',
  defaultPath: SEED_PATHS[0] ?? '',
  olderKeys: [],
  schema: () =>
    z.strictObject({
      receiver: receiverUrl()
        .optional()
        .meta({ description: 'The receiver.', example: 'https://receiver.example:8443' }),
      token: z
        .string()
        .regex(/^[\x21-\x7e]+$/, 'the token as cis490 ca token prints it')
        .optional()
        .meta({ description: 'The enrolment token.', secret: true, example: 'TOKEN' }),
      ca_fingerprint: z
        .string()
        .transform((text, issues) => {
          const fingerprint = parseFingerprint(text);
          if (fingerprint !== undefined) return fingerprint;
          addMistake(issues, JSON.stringify(text.slice(0, 80)), FINGERPRINT);
          return z.NEVER;
        })
        .optional()
        .meta({ description: 'What the receiver is known by.', allowed: FINGERPRINT, example: 'FINGERPRINT' }),
      host_id: hostIdSchema.optional().meta({ description: "Default: this machine's host name.", example: 'lab-07' }),
      release_keys: z
        .array(
          z
            .string()
            .refine((text) => parseReleaseKey(text) !== undefined, 'an Ed25519 public key: the base64 line of its PEM'),
        )
        .optional()
        .meta({ description: 'Who may sign releases; with it the host updates itself.', example: ['KEY'] }),
      with_telemetry: z.boolean().optional().meta({ description: 'Record what this machine does.', example: true }),
      token_used_at: z
        .string()
        .optional()
        .meta({ description: 'Written here in place of the token.', example: '2026-05-01' }),
    }),
});

/** `named`: as the command line has it. Undefined when none is named and none lies where seeds are looked for. */
export async function findSeed(
  named: string | undefined,
  paths: readonly string[] = SEED_PATHS,
): Promise<string | undefined> {
  if (named !== undefined) return named;
  for (const path of paths) if (await isThere(path)) return path;
  return undefined;
}

/** The same without the token. Throws the system's error. */
export async function rewriteSeed(path: string, seed: Seed, clock: Clock): Promise<void> {
  const { token: _, ...rest } = seed;
  const lines = Object.entries({ ...rest, token_used_at: clock.wallTime() })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`);
  const opening = '# The token was used and taken out. For another: on the receiver, cis490 ca token --host HOST\n';
  await writeFileDurably(path, opening + lines.join(''), { mode: 0o600 });
}
