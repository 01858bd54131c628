// What the commands of `cis490 ca` work with, and the configuration as they read it: the certificates that it names may not be there yet.

import { z } from 'zod';
import type { AfterStep } from '../../lib/after-step.ts';
import { AppError } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import { type ConfigOf, defineConfig } from '../../lib/config/define-config.ts';
import type { Control } from '../../storage/control.ts';
import type { Enrolments } from '../../storage/enrolments.ts';
import type { CommandOutput } from '../identity/manage-tokens.ts';
import { receiverConfigDefinition } from '../receiver-config.ts';
import { type AuthoritySet, readAuthoritySet } from './authority-files.ts';
import type { Lifetime } from './make-certificate.ts';
import type { AuthorityStep } from './write-authority-set.ts';

export const authorityConfigDefinition = defineConfig({
  ...receiverConfigDefinition,
  schema: (context) => {
    const { listen: _, ...shape } = receiverConfigDefinition.schema(context).shape;
    return z.strictObject({ ...shape, listen: z.looseObject({ port: z.int().default(8490) }).prefault({}) });
  },
});

type AuthorityConfig = Pick<ConfigOf<typeof authorityConfigDefinition>, 'store' | 'certificates' | 'listen'>;

export interface CommandContext {
  config: AuthorityConfig;
  control: Control;
  enrolments: Enrolments;
  clock: Clock;
  output: CommandOutput;
  /** Who is at the keyboard. */
  by: string;
  afterStep: AfterStep<AuthorityStep>;
}

/** Throws `no-authority`, `bad-certificate`. */
export function requireAuthority({ config }: CommandContext): AuthoritySet {
  const set = readAuthoritySet(config.store.root);
  if (set) return set;
  throw new AppError('no-authority', `there is no certificate authority in ${config.store.root}/ca`, {
    hint: 'make it, with the names by which hosts reach this receiver: cis490 ca init --name receiver.lab',
  });
}

export function lifetimeOf({ clock }: Pick<CommandContext, 'clock'>, days: number): Lifetime {
  return { nowMs: Temporal.Instant.from(clock.wallTime()).epochMilliseconds, days };
}
