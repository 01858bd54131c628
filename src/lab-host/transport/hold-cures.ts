// What a person does about each reason for which the queue is held.

import type { ProblemCode } from '../../protocol/problem.ts';
import type { TREATMENT_BY_CODE } from './classify-answer.ts';

type Treatments = typeof TREATMENT_BY_CODE;
/** A code that is new in the contract, and holds, does not build until it has its cure here. */
type HoldingCode = {
  [Code in ProblemCode]: Treatments[Code] extends 'held' | 'damaged' ? Code : never;
}[ProblemCode];

// What this shipper never sends, unless something on the way changes it or the two ends are of different releases.
const CHANGED_ON_THE_WAY =
  'the receiver did not get the request as it was sent: look at what stands between (proxy), then bring this host and the receiver to one release';

const PROBLEM_CURES: Record<HoldingCode, string> = {
  'bad-request': CHANGED_ON_THE_WAY,
  'bad-target': CHANGED_ON_THE_WAY,
  'bad-query': CHANGED_ON_THE_WAY,
  'bad-body': CHANGED_ON_THE_WAY,
  'digest-missing': `the header X-Content-SHA256 does not arrive: ${CHANGED_ON_THE_WAY}`,
  'digest-malformed': `the header X-Content-SHA256 arrives changed: ${CHANGED_ON_THE_WAY}`,
  'content-range-refused': CHANGED_ON_THE_WAY,
  'encoding-refused': `something on the way compresses what is sent: ${CHANGED_ON_THE_WAY}`,
  'expectation-failed': CHANGED_ON_THE_WAY,
  'headers-too-large':
    'a proxy on the way adds more headers than the receiver takes (a whole certificate chain, for example): have it send less',
  'method-not-allowed': 'nothing takes episodes at that address: check [receiver] url',
  gone: 'something other than the receiver answers at that address: check [receiver] url',
  'range-not-satisfiable': CHANGED_ON_THE_WAY,
  'credential-missing':
    'set [receiver] bearer_token_file or [receiver.tls] cert_file and key_file in the lab host configuration, then check it: cis490 shipper --ping',
  'credential-invalid':
    'the receiver does not know this token or certificate, or it has expired or was revoked: put a valid one into [receiver] bearer_token_file or [receiver.tls] cert_file',
  forbidden: 'the credential may not write for this host_id: compare host_id with what the credential was made for',
  'not-found': 'nothing takes episodes at that address: check [receiver] url',
  'digest-mismatch':
    'the bytes change on their way or on this disk: check memory and disk (dmesg), then restart the shipper',
};

const NOT_THE_RECEIVER =
  'something other than the receiver answers: check [receiver] url, and what stands between (proxy, login page)';

const LOCAL_CURES: Record<string, string> = {
  'mass-refusal':
    'one episode after another is refused with the same code, which may be a mistake of the receiver: look at it and at cis490 quarantine list; what was refused by mistake comes back with cis490 quarantine requeue',
  'update-on-trial':
    'nothing to do: it ends when the new release is confirmed or taken back: cat /var/lib/cis490/update-state.json; journalctl -u cis490-autoupdate -n 50',
  'http-401': 'the receiver wants a credential: check [receiver] bearer_token_file',
  'http-403': 'the receiver refuses this credential: check [receiver] bearer_token_file and host_id',
  'http-404': 'nothing takes episodes at that address: check [receiver] url',
  'name-not-found': 'the name in [receiver] url does not resolve: check it with getent hosts NAME',
  'certificate-untrusted':
    "none of the authorities trusted here has issued the receiver's certificate: put the one that did into [receiver.tls] ca_file",
  'certificate-wrong-name':
    "the receiver's certificate is for another name: write [receiver] url with a name that the certificate has",
  'certificate-expired':
    "the receiver's certificate has expired, unless the clock here is ahead (timedatectl): renew it on the receiver",
  'certificate-not-yet-valid':
    "the receiver's certificate is not valid yet, unless the clock here is behind: check it with timedatectl",
  'client-certificate-refused':
    "the receiver does not take this host's certificate: check the dates and the issuer of [receiver.tls] cert_file (openssl x509 -noout -subject -issuer -dates -in FILE)",
  'credentials-unusable':
    'the files named in [receiver] bearer_token_file or [receiver.tls] cannot be used: cis490 shipper --ping says which and why',
  'tls-failed': 'no secure connection can be made with the receiver: cis490 shipper --ping says where it fails',
  'client-certificate-missing':
    'the receiver wants a certificate of this host: set cert_file and key_file under [receiver.tls] in the lab host configuration',
  'certificate-unused': 'write https:// in [receiver] url, or take cert_file and key_file out of [receiver.tls]',
  'clock-wrong': 'set the clock of this machine: sudo timedatectl set-ntp true',
  'resolver-silent': 'no name server answers: check /etc/resolv.conf and the network (resolvectl status)',
  eai_again: 'no name server answers: check /etc/resolv.conf and the network (resolvectl status)',
  econnrefused:
    'nothing listens there: check the port in [receiver] url, and that the receiver runs: systemctl status cis490-receiver',
  'connect-timeout':
    'nothing answers there: check that the receiver is on, and what a firewall or VPN on the way lets through',
  ehostunreach: 'there is no way to that host: check the network and the VPN (ip route get ADDRESS)',
  enetunreach: 'there is no way to that network: check the network and the VPN (ip route get ADDRESS)',
  silent:
    'what listens there is not the receiver, or it hangs, or its answers are too large for a link on the way: check [receiver] url, then the MTU (ip link)',
  'path-mtu':
    'a link on the way drops packets of full size: lower the MTU of the interface or the VPN here (ip link set dev DEVICE mtu 1280), or let ICMP "fragmentation needed" through',
  'idle-timeout': 'the receiver took the request and did not answer: look at it: journalctl -u cis490-receiver',
  'not-tls': 'what listens there does not speak TLS: check http or https, and the port, in [receiver] url',
  'not-http': 'what listens there does not speak HTTP: check scheme and port of [receiver] url',
  'unexpected-answer': NOT_THE_RECEIVER,
};

const CURES: ReadonlyMap<string, string> = new Map(Object.entries({ ...LOCAL_CURES, ...PROBLEM_CURES }));

/** Of any code, also one that a later receiver or some other server makes up. */
export function cureForHold(code: string): string {
  const cure = CURES.get(code);
  if (cure !== undefined) return cure;
  if (/^http-[34]\d\d$/.test(code)) return NOT_THE_RECEIVER;
  return 'check [receiver] in the lab host configuration: cis490 config check; then look at the receiver';
}
