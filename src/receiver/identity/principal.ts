// Who a request comes from, and the one table of what each may do. What is not in the table is refused.

/**
 * `name` is for logs and for `by` in records, such as `token t-1a2b3c4d`, `certificate lab-07`, `fleet token`. `expiresAt`: when its token
 * ends, a wall time; absent for one that never does, and for what is no token.
 */
export type Principal =
  /** Nobody needs a credential, because none is configured and only this machine is listened to. */
  | { role: 'open' }
  | { role: 'host'; hostId: string; name: string; expiresAt?: string }
  /** A machine that has an enrolment token and no certificate yet. */
  | { role: 'enrolment'; hostId: string; name: string; expiresAt?: string }
  | { role: 'fleet' | 'reader' | 'admin'; name: string; expiresAt?: string };

export type Action =
  | 'write-episode'
  | 'send-heartbeat'
  | 'write-host-health'
  | 'ping'
  | 'read-gate'
  | 'read-releases'
  | 'read-contract'
  | 'read-readiness'
  | 'read-episode-headers'
  | 'read-episode'
  | 'read-index'
  | 'read-host-health'
  | 'read-fleet'
  | 'read-metrics'
  | 'read-dashboard'
  | 'retire-host'
  | 'read-alerts'
  | 'acknowledge-alert'
  | 'silence-alerts'
  | 'retract-episode';

/** `own`: where the data are those of the credential's own host. */
type Right = 'yes' | 'own';

const OF_A_HOST: Partial<Record<Action, Right>> = {
  'write-episode': 'own',
  'send-heartbeat': 'own',
  'write-host-health': 'own',
  'read-episode-headers': 'own',
  ping: 'yes',
  'read-gate': 'yes',
  'read-releases': 'yes',
  'read-contract': 'yes',
};

const EVERYTHING: Record<Action, Right> = {
  'write-episode': 'yes',
  'send-heartbeat': 'yes',
  'write-host-health': 'yes',
  ping: 'yes',
  'read-gate': 'yes',
  'read-releases': 'yes',
  'read-contract': 'yes',
  'read-readiness': 'yes',
  'read-episode-headers': 'yes',
  'read-episode': 'yes',
  'read-index': 'yes',
  'read-host-health': 'yes',
  'read-fleet': 'yes',
  'read-metrics': 'yes',
  'read-dashboard': 'yes',
  'retire-host': 'yes',
  'read-alerts': 'yes',
  'acknowledge-alert': 'yes',
  'silence-alerts': 'yes',
  'retract-episode': 'yes',
};

const RIGHTS: Record<Principal['role'], Partial<Record<Action, Right>>> = {
  open: EVERYTHING,
  admin: EVERYTHING,
  host: OF_A_HOST,
  enrolment: { 'read-releases': 'yes' },
  fleet: {
    'write-episode': 'yes',
    'send-heartbeat': 'yes',
    'write-host-health': 'yes',
    'read-episode-headers': 'yes',
    ping: 'yes',
    'read-gate': 'yes',
    'read-releases': 'yes',
    'read-contract': 'yes',
    'read-readiness': 'yes',
    'read-host-health': 'yes',
    'read-fleet': 'yes',
  },
  reader: {
    'read-episode': 'yes',
    'read-episode-headers': 'yes',
    'read-index': 'yes',
    'read-fleet': 'yes',
    'read-metrics': 'yes',
    'read-dashboard': 'yes',
    'read-alerts': 'yes',
    'read-host-health': 'yes',
    // The dashboard shows it.
    'read-gate': 'yes',
    'read-contract': 'yes',
    'read-readiness': 'yes',
    'read-releases': 'yes',
  },
};

/** `hostId`: whose path or data it is. Without one, what a host may do with its own alone is refused to it. */
export function allows(principal: Principal, action: Action, hostId?: string): boolean {
  const right = RIGHTS[principal.role][action];
  return right === 'yes' || (right === 'own' && hostId !== undefined && hostOf(principal) === hostId);
}

/** The one host that it speaks for, or is to become, or null. */
export function hostOf(principal: Principal): string | null {
  return 'hostId' in principal ? principal.hostId : null;
}

/** When its token ends, or null. */
export function expiryOf(principal: Principal): string | null {
  return (principal.role === 'open' ? undefined : principal.expiresAt) ?? null;
}

/** For logs, and for who did it in records. */
export function nameOf(principal: Principal): string {
  return principal.role === 'open' ? 'this machine' : principal.name;
}
