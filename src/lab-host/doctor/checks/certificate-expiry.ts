// How long this host's own certificate is still valid.

import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { AppError, messageOf } from '../../../lib/app-error.ts';
import { green, red, yellow } from '../../../lib/self-check/check-result.ts';
import { shellWord } from '../../../lib/shell-word.ts';
import { certStateSchema, identityLayout, identityRootOf } from '../../identity-layout.ts';
import type { Check } from '../check.ts';
import { readSmallJson } from '../read-small-json.ts';
import { DAY_MS, inDays, nowMsOf } from '../times.ts';

const RENEWAL_SHARE = 1 / 3;
const LOOK = 'sudo journalctl -u cis490-cert-fetch -n 50 --no-pager';

export const certificateExpiryCheck: Check<'certificate-expiry'> = {
  id: 'certificate-expiry',
  timeoutMs: 10_000,
  async run({ config, clock }) {
    const path = config.receiver.tls?.cert_file;
    if (path === undefined) return green('none configured');
    const { fromMs, toMs } = await readValidity(path);
    const leftMs = toMs - nowMsOf(clock);
    const cure = [
      'sudo systemctl start cis490-cert-fetch',
      `openssl x509 -noout -subject -issuer -dates -in ${shellWord(path)}`,
    ];
    const until = `until ${new Date(toMs).toISOString()}`;
    if (nowMsOf(clock) < fromMs)
      return red(
        `${path} is valid only from ${new Date(fromMs).toISOString()}: is the clock right?`,
        'timedatectl',
        ...cure,
      );
    if (leftMs <= 0) return red(`${path} has expired: it was valid ${until}`, ...cure);
    const left = `${path} is valid for ${inDays(leftMs)} more, ${until}`;
    if (leftMs < config.doctor.certificate_red_days * DAY_MS) return red(left, ...cure);
    const failure = await failedRenewal(identityRootOf(config), nowMsOf(clock));
    if (failure) return yellow(`${left}: ${failure}`, LOOK, ...cure);
    return leftMs < (toMs - fromMs) * RENEWAL_SHARE ? yellow(`${left}: renewal is due`, ...cure) : green(left);
  },
};

/** Why it is not renewed although that is due; undefined when cert-fetch has not failed, or is not what renews it. */
async function failedRenewal(identityRoot: string | undefined, nowMs: number): Promise<string | undefined> {
  if (identityRoot === undefined) return undefined;
  const state = certStateSchema.safeParse(await readSmallJson(identityLayout(identityRoot).state)).data;
  if (state?.result !== 'failed' || nowMs < Date.parse(state.renewal_due_wall ?? '')) return undefined;
  const next = state.cure ? ` (${state.cure})` : '';
  return `its renewal has failed ${state.failures ?? 1} times in a row, last at ${state.at_wall}: ${state.detail}${next}`;
}

async function readValidity(path: string): Promise<{ fromMs: number; toMs: number }> {
  const pem = await readFile(path);
  try {
    const { validFromDate, validToDate } = new X509Certificate(pem);
    return { fromMs: validFromDate.getTime(), toMs: validToDate.getTime() };
  } catch (error) {
    throw new AppError('bad-certificate', `${path} is no certificate in PEM: ${messageOf(error)}`, { cause: error });
  }
}
