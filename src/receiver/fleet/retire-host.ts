// The maintainer's decision that a lab host is gone for good: through the API, and by `cis490 host` on the receiver's machine.

import { AppError } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import { isHostId } from '../../protocol/ids.ts';
import type { Control, RetiredHost } from '../../storage/control.ts';
import { reasonSchema } from '../alerts/read-silence.ts';

export interface RetireDesk {
  control: Pick<Control, 'retireHost' | 'returnHost' | 'listRetiredHosts'>;
  clock: Clock;
  /** Who decides. */
  by: string;
}

/** At the receiver's machine a name is typed, and a slip of the pen must not leave the host that was meant to be told of. */
export interface RetireByHandDesk extends RetireDesk {
  /** Whether anything is known of such a host. */
  isKnown(hostId: string): Promise<boolean>;
}

/** Resolves with the decision that stands, which may be an earlier one. */
export async function retireHost(
  { control, clock, by }: RetireDesk,
  hostId: string,
  reason: string,
): Promise<{ host: RetiredHost; isNew: boolean }> {
  const ours = { hostId, retiredAt: clock.wallTime(), by, reason };
  await control.retireHost(ours);
  const standing = (await control.listRetiredHosts()).find((host) => host.hostId === hostId) ?? ours;
  return { host: standing, isNew: standing.retiredAt === ours.retiredAt && standing.by === by };
}

/** As a person types it. Throws `bad-input`. */
export async function retireByHand(
  desk: RetireByHandDesk,
  hostId: string,
  reasonText: string,
): ReturnType<typeof retireHost> {
  requireHostId(hostId);
  const reason = reasonSchema.safeParse(reasonText);
  if (!reason.success)
    throw new AppError('bad-input', 'the reason must be one line of text', {
      hint: `say it in up to 500 characters: cis490 host retire ${hostId} --reason "disk dead, machine scrapped"`,
    });
  if (!(await desk.isKnown(hostId)))
    throw new AppError('bad-input', `nothing is known of host ${hostId}`, {
      hint: 'see which are known: cis490 fleet',
    });
  return await retireHost(desk, hostId, reason.data);
}

/** Throws `bad-input`, `not-retired`. */
export async function returnByHand({ control }: RetireDesk, hostId: string): Promise<void> {
  requireHostId(hostId);
  if (await control.returnHost(hostId)) return;
  throw new AppError('not-retired', `host ${hostId} is not retired`, {
    hint: 'see which are: GET /v1/fleet, state "retired"',
  });
}

function requireHostId(hostId: string): void {
  if (isHostId(hostId)) return;
  throw new AppError('bad-input', `${JSON.stringify(hostId)} is no host id`, {
    hint: 'it is 1 to 64 of A-Z a-z 0-9 . _ - and starts with a letter or digit',
  });
}
