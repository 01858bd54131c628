// Which credentials an endpoint takes, in words, for those who read the contract: asked of the table that decides it.

import { type Action, allows, type Principal } from './principal.ts';

const OWN = 'lab-1';
const ROLES: Principal[] = [
  { role: 'host', hostId: OWN, name: 'host' },
  { role: 'fleet', name: 'fleet' },
  { role: 'reader', name: 'reader' },
  { role: 'admin', name: 'admin' },
];

/** `['host (its own)', 'admin']` */
export function rolesFor(action: Action): string[] {
  return ROLES.filter((principal) => allows(principal, action, OWN)).map((principal) =>
    allows(principal, action, `${OWN}-another`) ? principal.role : `${principal.role} (its own)`,
  );
}
