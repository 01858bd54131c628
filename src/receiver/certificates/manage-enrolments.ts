// cis490 ca token, list, revoke --host and revoke-token: who may come, who has come, and who counts no more.

import { randomBytes } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { AppError } from '../../lib/app-error.ts';
import { formatTable } from '../../lib/format-table.ts';
import { shellWord } from '../../lib/shell-word.ts';
import type { EnrolmentToken } from '../../storage/enrolments.ts';
import { digestOfToken } from '../identity/bearer-tokens.ts';
import { parseExpiry } from '../identity/token-expiry.ts';
import { serverAuthorityOf } from './authority-files.ts';
import { type CommandContext, requireAuthority } from './command-context.ts';
import { describeIssued } from './issued-states.ts';
import { namesOf } from './server-certificate.ts';

const TOKEN_PREFIX = 'cis490_enrol_';
const TOKEN_BYTES = 32;
const LIST = 'see which there are: cis490 ca list';

export interface NewEnrolment {
  host: string;
  expires: string;
  /** Where the new host reaches this receiver; otherwise the first name of its certificate. */
  receiver?: string | undefined;
  json: boolean;
}

/** Throws `bad-input`, `no-authority`, and what the ports throw. */
export async function createEnrolmentToken(wanted: NewEnrolment, context: CommandContext): Promise<void> {
  const { config, enrolments, clock, output, by } = context;
  const set = requireAuthority(context);
  const url = receiverUrl(wanted.receiver, namesOf(set.server), config.listen.port);
  const createdAt = clock.wallTime();
  const expiresAt = parseExpiry(wanted.expires, Temporal.Instant.from(createdAt));
  const token = TOKEN_PREFIX + randomBytes(TOKEN_BYTES).toString('base64url');
  const id = `e-${randomBytes(4).toString('hex')}`;
  const sha256 = digestOfToken(token).toString('hex');
  await enrolments.putToken({ id, sha256, hostId: wanted.host, createdAt, expiresAt, by });
  // Of whoever has signed the certificate that the new host will see.
  const { fingerprint } = serverAuthorityOf(set);
  // The new host's own name need not be the one that the token is for.
  const given = `--token ${token} --ca-fingerprint ${fingerprint} --host-id ${wanted.host}`;
  const command = `cis490 bootstrap --receiver ${shellWord(url)} ${given}`;
  if (wanted.json) {
    const answer = { id, token, host_id: wanted.host, expires_at: expiresAt, ca_fingerprint: fingerprint, command };
    output.write(`${JSON.stringify(answer, null, 2)}\n`);
    return;
  }
  output.write(`token        ${token}\nfingerprint  ${fingerprint}\ncommand      sudo ${command}\n`);
  output.tell(
    `Enrolment token ${id} for ${wanted.host}, until ${expiresAt}. It is shown this once, and enrols one key.`,
  );
}

function receiverUrl(given: string | undefined, names: readonly string[], port: number): string {
  const [name = 'localhost'] = names;
  const text = given ?? `https://${isIPv6(name) ? `[${name}]` : name}:${port}`;
  if (URL.canParse(text) && /^https?:\/\//.test(text)) return text;
  throw new AppError('bad-input', `--receiver: found "${text}"; allowed: a URL such as https://receiver.lab:8490`);
}

export async function listCertificates(
  { host, json }: { host?: string | undefined; json: boolean },
  context: CommandContext,
): Promise<void> {
  const { enrolments, clock, output } = context;
  const now = clock.wallTime();
  const tokens = (await enrolments.listTokens())
    .filter((token) => isOpen(token, now) && (host === undefined || token.hostId === host))
    .map(({ id, hostId, createdAt, expiresAt, by, keySha256 }) => ({
      id,
      host_id: hostId,
      created_at: createdAt,
      expires_at: expiresAt,
      by,
      state: keySha256 === undefined ? 'unused' : 'used',
    }));
  const certificates = (await describeIssued(context, host)).map(({ issued, state }) => ({
    host_id: issued.hostId,
    serial: issued.serial,
    not_before: issued.notBefore,
    not_after: issued.notAfter,
    state,
    occasion: issued.occasion,
    authority: issued.authority,
    fingerprint: issued.fingerprint,
  }));
  if (json) {
    output.write(`${JSON.stringify({ certificates, tokens }, null, 2)}\n`);
    return;
  }
  const rows = certificates.map((it) => [it.host_id, it.serial, it.not_before, it.not_after, it.state, it.occasion]);
  output.write(formatTable(['HOST', 'SERIAL', 'FROM', 'UNTIL', 'STATE', 'OCCASION'], rows));
  if (tokens.length > 0) {
    const tokenRows = tokens.map((it) => [it.id, it.host_id, it.created_at, it.expires_at, it.state, it.by]);
    output.write(`\n${formatTable(['TOKEN', 'HOST', 'CREATED', 'EXPIRES', 'STATE', 'BY'], tokenRows)}`);
  }
  if (rows.length + tokens.length === 0) output.tell('none; for a new host: cis490 ca token --host HOST_ID');
}

/** Every certificate that it ever had, also the expired ones, with which it could renew; and its open tokens. Throws `bad-input`. */
export async function revokeHost(hostId: string, why: string, context: CommandContext): Promise<void> {
  const { enrolments, control, clock, output } = context;
  if (why.trim() === '') throw new AppError('bad-input', '--why is empty: say why it is revoked');
  // First, so that none comes out of them meanwhile.
  const tokens = (await enrolments.listTokens()).filter((it) => it.hostId === hostId && isOpen(it, clock.wallTime()));
  for (const { id } of tokens) await enrolments.revokeToken(id, clock.wallTime());
  const all = await describeIssued(context, hostId);
  if (all.length + tokens.length === 0) {
    throw new AppError('bad-input', `no certificate was ever issued to ${hostId}, and it has no open token`, {
      hint: `${LIST}; one that was made elsewhere: cis490 ca revoke --cert FILE --why WHY`,
    });
  }
  const revocable = all.filter(({ state }) => state !== 'revoked');
  for (const { issued } of revocable) {
    const { serial, fingerprint } = issued;
    await control.putRevokedCertificate({ serial, fingerprint, revokedAt: clock.wallTime(), reason: why });
  }
  output.tell(
    `${hostId}: ${revocable.length} certificates and ${tokens.length} tokens revoked, from the next request on`,
  );
}

/** Throws `bad-input` when there is none of that id. */
export async function revokeEnrolmentToken(id: string, { enrolments, clock, output }: CommandContext): Promise<void> {
  if (!(await enrolments.revokeToken(id, clock.wallTime()))) {
    throw new AppError('bad-input', 'there is no enrolment token of that id', { hint: LIST });
  }
  output.tell(`revoked, from the next request on: ${id}. What it has enrolled still counts: cis490 ca list`);
}

function isOpen({ revokedAt, expiresAt }: EnrolmentToken, now: string): boolean {
  return (
    revokedAt === undefined &&
    Temporal.Instant.compare(Temporal.Instant.from(now), Temporal.Instant.from(expiresAt)) < 0
  );
}
