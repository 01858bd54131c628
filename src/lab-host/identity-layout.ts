// Where this host's certificate, its key and the authorities that it trusts lie, and what the last look after them came to.

import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../lib/app-error.ts';
import type { LabHostConfig } from './lab-host-config.ts';

/** Where bootstrap puts it. */
export const IDENTITY_DIRECTORY = '/var/lib/cis490/identity';

export interface IdentityLayout {
  root: string;
  /** A link to the directory of the pair in force, `<n>`. */
  current: string;
  /** The authorities, in PEM. */
  authorities: string;
  /** The key that has no certificate yet. */
  nextKey: string;
  state: string;
}

export const CERT_FILE = 'host.crt';
export const KEY_FILE = 'host.key';

export function identityLayout(root: string): IdentityLayout {
  return {
    root,
    current: join(root, 'current'),
    authorities: join(root, 'ca.crt'),
    nextKey: join(root, 'next', KEY_FILE),
    state: join(root, 'cert-state.json'),
  };
}

/** The directory that `[receiver.tls]` leads to; undefined when its files do not lie as a renewal switches them. */
export function identityRootOf({ receiver: { tls } }: Pick<LabHostConfig, 'receiver'>): string | undefined {
  const { cert_file = '', key_file = '' } = tls ?? {};
  const [, root] = /^(.+)\/current\/host\.crt$/.exec(cert_file) ?? [];
  return root !== undefined && key_file === join(root, 'current', KEY_FILE) ? root : undefined;
}

/** Throws `bad-config`. */
export function requireIdentityRoot(config: Pick<LabHostConfig, 'receiver'>): string {
  const root = identityRootOf(config);
  if (root !== undefined) return root;
  const at = `${IDENTITY_DIRECTORY}/current`;
  throw new AppError(
    'bad-config',
    `[receiver.tls] cert_file and key_file are not ${CERT_FILE} and ${KEY_FILE} in a directory current/`,
    {
      hint: `write cert_file = "${at}/${CERT_FILE}" and key_file = "${at}/${KEY_FILE}"`,
    },
  );
}

const text = z.string().nullish().catch(undefined);

/** cert-state.json: only what a reader cannot do without is required. */
export const certStateSchema = z.looseObject({
  /** `current`: there was nothing to do. */
  result: z.enum(['current', 'renewed', 'enrolled', 'failed']),
  at_wall: text,
  /** Why it failed, and what cures it. */
  code: text,
  detail: text,
  cure: text,
  /** How many runs in a row have failed, this one included. */
  failures: z.int().nonnegative().nullish().catch(undefined),
  renewal_due_wall: text,
  not_after_wall: text,
  /** When the receiver last told its authorities. */
  authorities_asked_wall: text,
});

export type CertState = z.output<typeof certStateSchema>;
