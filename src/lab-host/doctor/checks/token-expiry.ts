// How long the token is still valid, if the receiver tells: a token itself says nothing.

import { z } from 'zod';
import { green, red, unknown, yellow } from '../../../lib/self-check/check-result.ts';
import { shellWord } from '../../../lib/shell-word.ts';
import { addressOf } from '../../transport/address-of.ts';
import type { Check } from '../check.ts';
import { DAY_MS, inDays, nowMsOf } from '../times.ts';
import { LOOK_LIMIT_MS } from './receiver-layers.ts';

/** Null: it never expires. Absent: this receiver does not tell. */
const expirySchema = z.object({ expires_at: z.string().nullish().catch(undefined) });

export const tokenExpiryCheck: Check<'token-expiry'> = {
  id: 'token-expiry',
  timeoutMs: LOOK_LIMIT_MS,
  async run({ config, receiver, clock }) {
    const token = config.receiver.bearer_token_file;
    if (token === undefined) return green('none configured');
    const ping = await receiver.ping();
    if (ping.kind === 'not-reached') return unknown(`not known: ${ping.failed} fails first`);
    const expiresAt = expirySchema.parse(ping.value.body).expires_at;
    if (expiresAt === null) return green('it does not expire');
    const leftMs = Date.parse(expiresAt ?? '') - nowMsOf(clock);
    if (Number.isNaN(leftMs)) return unknown('not told by this receiver');
    const host = shellWord(addressOf(receiver.url).host);
    const cure = [
      `ssh ${host} ${shellWord(`sudo cis490 token create --role host --host ${config.host_id}`)}`,
      `sudoedit ${shellWord(token.path ?? '/etc/cis490/lab-host.toml')}`,
    ];
    const { token_red_days, token_yellow_days } = config.doctor;
    if (leftMs <= 0) return red(`the token has expired, at ${expiresAt}`, ...cure);
    const left = `the token is valid for ${inDays(leftMs)} more, until ${expiresAt}`;
    if (leftMs < token_red_days * DAY_MS) return red(left, ...cure);
    return leftMs < token_yellow_days * DAY_MS ? yellow(left, ...cure) : green(left);
  },
};
