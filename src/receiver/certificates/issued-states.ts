// What each certificate that was handed out is worth now.

import type { IssuedCertificate } from '../../storage/enrolments.ts';
import type { CommandContext } from './command-context.ts';
import { findRevocation } from './find-revocation.ts';

/** `superseded`: in its dates, and its host has a newer one. */
type IssuedState = 'valid' | 'expired' | 'revoked' | 'superseded';

export interface DescribedCertificate {
  issued: IssuedCertificate;
  state: IssuedState;
  /** Of its host. */
  isNewest: boolean;
}

/** Newest first; of one host where it is named. Throws what the ports throw. */
export async function describeIssued(
  { enrolments, control, clock }: Pick<CommandContext, 'enrolments' | 'control' | 'clock'>,
  hostId?: string,
): Promise<DescribedCertificate[]> {
  const [all, revoked] = [await enrolments.listIssued(hostId), await control.listRevokedCertificates()];
  const now = Temporal.Instant.from(clock.wallTime());
  const seen = new Set<string>();
  return all.map((issued) => {
    const isNewest = !seen.has(issued.hostId);
    seen.add(issued.hostId);
    return { issued, isNewest, state: stateOf() };

    function stateOf(): IssuedState {
      if (findRevocation(issued, revoked)) return 'revoked';
      if (Temporal.Instant.compare(Temporal.Instant.from(issued.notAfter), now) < 0) return 'expired';
      return isNewest ? 'valid' : 'superseded';
    }
  });
}
