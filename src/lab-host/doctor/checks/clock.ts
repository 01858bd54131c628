// The clock of this machine against the receiver's.

import { green, red, unknown, yellow } from '../../../lib/self-check/check-result.ts';
import { shellWord } from '../../../lib/shell-word.ts';
import { clockBehindMs } from '../../transport/ping-receiver-layers.ts';
import type { Check } from '../check.ts';
import type { DoctorContext } from '../doctor-context.ts';
import { inDays } from '../times.ts';
import { LOOK_LIMIT_MS } from './receiver-layers.ts';

// Nothing is taken from a receiver that is not trusted yet.
const NTP = ['sudo timedatectl set-ntp true', 'timedatectl timesync-status'] as const;

export const clockCheck: Check<'clock'> = {
  id: 'clock',
  timeoutMs: LOOK_LIMIT_MS,
  async run(context) {
    const { config, receiver } = context;
    const failed = await receiver.failed();
    // Over TLS a clock that is far off fails before anything can be asked.
    if (failed?.code === 'clock-wrong') return red(failed.detail, ...NTP);
    const ping = await receiver.ping();
    if (ping.kind === 'not-reached') return unknown(`not known: ${ping.failed} fails first`);
    const behindMs = clockBehindMs(ping.value);
    if (behindMs === undefined) return unknown('the receiver does not tell its time', 'timedatectl');
    const offMs = Math.abs(behindMs);
    const { clock_yellow_s, clock_red_s } = config.doctor;
    if (offMs < clock_yellow_s * 1000) return green(`within ${(offMs / 1000).toFixed(1)} s of the receiver's`);
    const off = `${inDays(offMs)} ${behindMs > 0 ? 'behind' : 'ahead of'} the receiver's`;
    return (offMs < clock_red_s * 1000 ? yellow : red)(off, ...setClock(context));
  },
};

/** The last line is for hosts that reach no time server: to the second, from the receiver itself. Without its answer nothing is set. */
function setClock({ config, receiver }: DoctorContext): string[] {
  const ca = config.receiver.tls?.ca_file;
  const trusted = ca === undefined ? '' : ` --cacert ${shellWord(ca)}`;
  const date = `curl -sSI${trusted} ${shellWord(`${receiver.url.origin}/healthz`)} | sed -n 's/^[Dd]ate: //p'`;
  return [NTP[0], `now=$(${date} | tr -d '\\r'); test -n "$now" && sudo date --set "$now"`];
}
