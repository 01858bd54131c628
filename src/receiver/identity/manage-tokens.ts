// cis490 token: makes, lists and revokes tokens. A token itself is seen once, on standard output; what is kept is its digest.

import { randomBytes } from 'node:crypto';
import { AppError } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import { formatTable } from '../../lib/format-table.ts';
import type { Control } from '../../storage/control.ts';
import { hasCredential, type ReceiverConfig } from '../receiver-config.ts';
import { digestOfToken } from './bearer-tokens.ts';
import { parseExpiry } from './token-expiry.ts';
import { addToken, readTokensFile, type TokenRecord, type TokenRole } from './tokens-file.ts';

const TOKEN_PREFIX = 'cis490_';
const TOKEN_BYTES = 32;

export interface CommandOutput {
  /** What is asked for, and nothing else. */
  write: (text: string) => void;
  /** What a person should know beside it. */
  tell: (line: string) => void;
}

export interface NewToken {
  role: TokenRole;
  host?: string | undefined;
  expires?: string | undefined;
}

/** Throws `bad-input`, and what `addToken` throws. */
export async function createToken(
  { role, host, expires }: NewToken,
  { config, clock, output }: { config: ReceiverConfig; clock: Clock; output: CommandOutput },
): Promise<void> {
  if (role === 'host' && host === undefined) {
    throw new AppError('bad-input', 'a token of role host needs the host that it speaks for: --host HOST_ID');
  }
  if (role !== 'host' && host !== undefined) {
    throw new AppError(
      'bad-input',
      `a token of role ${role} is bound to no host: leave --host away, or say --role host`,
    );
  }
  const created = clock.wallTime();
  const expiry = expires === undefined ? undefined : parseExpiry(expires, Temporal.Instant.from(created));
  const wasOpen = !hasCredential(config);
  const token = TOKEN_PREFIX + randomBytes(TOKEN_BYTES).toString('base64url');
  const make = (existing: readonly TokenRecord[]): TokenRecord => ({
    id: unusedId(existing),
    role,
    ...(host !== undefined && { host }),
    sha256: digestOfToken(token).toString('hex'),
    created_at: created,
    ...(expiry !== undefined && { expires_at: expiry }),
  });
  const { id } = await addToken(config.auth.tokens_file, make, { clock, storeRoot: config.store.root });
  output.write(`${token}\n`);
  const ends = expiry === undefined ? 'it does not expire' : `it expires at ${expiry}`;
  output.tell(
    `token ${id}, ${role}${host === undefined ? '' : ` ${host}`}; ${ends}. It is shown this once: keep it in a file of mode 0600.`,
  );
  if (wasOpen) {
    output.tell(
      'It is the first credential: a receiver that runs goes on without, until: systemctl reload cis490-receiver',
    );
  }
}

export async function listTokens(
  { json }: { json: boolean },
  { config, control, clock, output }: { config: ReceiverConfig; control: Control; clock: Clock; output: CommandOutput },
): Promise<void> {
  const revoked = new Map((await control.listRevokedTokens()).map(({ id, revokedAt }) => [id, revokedAt]));
  const now = Temporal.Instant.from(clock.wallTime());
  const tokens = readTokensFile(config.auth.tokens_file).map(({ id, role, host, created_at, expires_at }) => ({
    id,
    role,
    host: host ?? null,
    created_at,
    expires_at: expires_at ?? null,
    ...stateOf(expires_at, revoked.get(id), now),
  }));
  if (json) {
    output.write(`${JSON.stringify({ tokens }, null, 2)}\n`);
    return;
  }
  const rows = tokens.map(({ id, role, host, created_at, expires_at, state, since }) => [
    id,
    role,
    host ?? '-',
    created_at,
    expires_at ?? 'never',
    since === null ? state : `${state} since ${since}`,
  ]);
  output.write(formatTable(['ID', 'ROLE', 'HOST', 'CREATED', 'EXPIRES', 'STATE'], rows));
  if (tokens.length === 0)
    output.tell(`no tokens in ${config.auth.tokens_file}; make one: cis490 token create --role admin`);
}

function stateOf(
  expiresAt: string | undefined,
  revokedAt: string | undefined,
  now: Temporal.Instant,
): { state: 'active' | 'expired' | 'revoked'; since: string | null } {
  if (revokedAt !== undefined) return { state: 'revoked', since: revokedAt };
  if (expiresAt === undefined) return { state: 'active', since: null };
  const isOver = Temporal.Instant.compare(now, Temporal.Instant.from(expiresAt)) >= 0;
  return isOver ? { state: 'expired', since: expiresAt } : { state: 'active', since: null };
}

/** All of them or, when one is not known, none. Throws `bad-input`, and what Control throws. */
export async function revokeTokens(
  ids: readonly string[],
  { config, control, clock, output }: { config: ReceiverConfig; control: Control; clock: Clock; output: CommandOutput },
): Promise<void> {
  const known = new Set(readTokensFile(config.auth.tokens_file).map(({ id }) => id));
  const unknown = ids.filter((id) => !known.has(id));
  if (unknown.length > 0) {
    throw new AppError('bad-input', `no such token: ${unknown.join(', ')}; nothing was revoked`, {
      hint: 'see which there are: cis490 token list',
    });
  }
  for (const id of ids) await control.revokeToken({ id, revokedAt: clock.wallTime() });
  output.tell(`revoked, from the next request on: ${ids.join(', ')}`);
}

function unusedId(existing: readonly TokenRecord[]): string {
  const taken = new Set(existing.map(({ id }) => id));
  for (;;) {
    const id = `t-${randomBytes(4).toString('hex')}`;
    if (!taken.has(id)) return id;
  }
}
