// The commands that cure a host, as they are run from the maintainer's machine. Nothing in them is a host's own word but its id.

import { shellWord } from '../../lib/shell-word.ts';
import { DOCTOR_CHECKS } from '../../protocol/doctor-checks.ts';
import { lastHeartbeatOf } from '../heartbeat-facts.ts';
import type { Observed } from '../observed.ts';

const PLAIN_COMMAND = /^[\w@%+=:,./ -]+$/;
const INSTALLER = 'sudo /opt/cis490/scripts/install-lab-host.sh';
const PING = 'cis490 shipper --ping';

/** Pasted as it is into a shell: what is no command stands behind a #. One line: the commands one after the other, whatever each comes to (`systemctl status` fails where it has found the fault). */
export function onHost(hostId: string, ...commands: readonly string[]): string {
  const all = commands.join('; ');
  return `ssh ${hostId} ${PLAIN_COMMAND.test(all) ? all : shellWord(all)}`;
}

/** Brings its code up to date as it was installed; a host of which that is not known, from git. */
export function updateHost(hostId: string, observed: Observed): string {
  const isRelease = lastHeartbeatOf(observed, hostId)?.update?.source === 'receiver';
  return onHost(hostId, observed.updateCommands[isRelease ? 'release' : 'git'].join(' && '));
}

/** The installer stamps VERSION, from which each episode has its commit. */
export function stampHost(hostId: string): string {
  return onHost(hostId, INSTALLER);
}

/** What cures a refusal, by its problem code, by `http-<status>` where only that is known, or by the code for which a queue is held. */
export function cureOfRefusal(code: string | undefined, hostId: string, observed: Observed): string {
  switch (code) {
    case 'commit-not-in-window':
    case 'commit-blocked':
    case 'dirty-refused':
    case 'http-412':
      return updateHost(hostId, observed);
    case 'commit-missing':
    case 'commit-malformed':
    case 'http-400':
      return stampHost(hostId);
    case 'credential-missing':
    case 'credential-invalid':
    case 'forbidden':
    case 'http-401':
    case 'http-403':
      return `cis490 token create --role host --host ${hostId} # on the receiver; the token goes into the file that [receiver] bearer_token_file of the host names, then: ${onHost(hostId, PING)}`;
    case 'client-certificate-refused':
    case 'client-certificate-missing':
      return onHost(hostId, DOCTOR_CHECKS['client-certificate'].cure);
    case 'clock-wrong':
    case 'certificate-not-yet-valid':
      return setClock(hostId);
    case 'conflict':
    case 'retracted':
    case 'too-large':
    case 'mass-refusal':
    case 'bad-host-id':
    case 'bad-episode-id':
    case 'http-409':
    case 'http-413':
      return onHost(hostId, 'cis490 quarantine list');
    case 'disk-reserve':
    case 'disk-full':
    case 'http-507':
      return `${DOCTOR_CHECKS.reserve.cure} # on the receiver`;
    case 'gate-unknown':
    case 'gate-stale':
      return 'cis490 gate status # on the receiver';
    case 'internal-error':
    case 'not-ready':
    case 'sync-failed':
    case 'database-busy':
    case 'http-500':
    case 'http-502':
    case 'http-503':
      return 'journalctl -u cis490-receiver -n 100 # on the receiver';
    default:
      return onHost(hostId, PING);
  }
}

export function pingFrom(hostId: string): string {
  return onHost(hostId, PING);
}

export function setClock(hostId: string): string {
  return onHost(hostId, ...DOCTOR_CHECKS.clock.cure.split('\n'));
}
