// Every check of the doctor: its id, whose it is, what it means, and the cure that the receiver's side shows for it. On the host
// itself the doctor prints a more exact one, with that host's own paths and names.

export type DoctorRole = 'lab-host' | 'receiver';

interface CheckMeaning {
  role: DoctorRole | 'both';
  /** What is wrong when it is red, in one line. */
  meaning: string;
  /** Shell commands to run on that machine, joined by newlines. */
  cure: string;
}

const PING = 'cis490 shipper --ping';
const EDIT_LAB_HOST = 'sudoedit /etc/cis490/lab-host.toml\nsudo systemctl restart cis490-shipper cis490-orchestrator';
const EDIT_RECEIVER = 'sudoedit /etc/cis490/receiver.toml\nsudo systemctl reload cis490-receiver';
const RENEW = 'sudo systemctl start cis490-cert-fetch';

export const DOCTOR_CHECKS = {
  configuration: {
    role: 'both',
    meaning: 'the configuration cannot be used',
    cure: 'cis490 config check',
  },
  'receiver-name': {
    role: 'lab-host',
    meaning: 'the receiver’s name does not resolve',
    cure: `${PING}\n${EDIT_LAB_HOST}`,
  },
  'receiver-tcp': { role: 'lab-host', meaning: 'no connection to the receiver’s port is made', cure: PING },
  'receiver-packet': {
    role: 'lab-host',
    meaning: 'small packets pass to the receiver, full-size ones do not',
    cure: 'ip link show\nsudo ip link set dev wg0 mtu 1280',
  },
  'receiver-tls': { role: 'lab-host', meaning: 'the receiver’s certificate is not trusted', cure: PING },
  'client-certificate': { role: 'lab-host', meaning: 'this host’s certificate is refused', cure: RENEW },
  'receiver-http': { role: 'lab-host', meaning: 'what answers is not a working receiver', cure: PING },
  credential: { role: 'lab-host', meaning: 'the receiver does not accept this host’s credential', cure: PING },
  'receiver-contract': { role: 'lab-host', meaning: 'the receiver does not speak this contract', cure: PING },
  gate: {
    role: 'lab-host',
    meaning: 'the gate refuses this host’s code',
    cure: 'sudo systemctl start cis490-autoupdate',
  },
  'certificate-expiry': { role: 'both', meaning: 'a certificate runs out soon, or has', cure: RENEW },
  'token-expiry': {
    role: 'lab-host',
    meaning: 'this host’s token runs out soon, or has',
    cure: 'cis490 token create --role host --host HOST',
  },
  clock: {
    role: 'lab-host',
    meaning: 'the clock is off',
    cure: 'sudo timedatectl set-ntp true\nsudo systemctl restart systemd-timesyncd',
  },
  disk: {
    role: 'both',
    meaning: 'the disk is short of space or inodes, or cannot be written',
    cure: 'df -h -i /var/lib/cis490',
  },
  libraries: {
    role: 'both',
    meaning: 'a library that Node needs is missing',
    cure: 'sudo apt-get install --yes libatomic1',
  },
  backlog: { role: 'lab-host', meaning: 'episodes wait for too long', cure: 'cis490 shipper status' },
  episodes: {
    role: 'lab-host',
    meaning: 'an episode cannot be read, or its directories cannot be used',
    cure: 'sudo chown -R cis490:cis490 /var/lib/cis490/data',
  },
  quarantine: { role: 'lab-host', meaning: 'episodes were refused for good', cure: 'cis490 quarantine list' },
  units: {
    role: 'both',
    meaning: 'a program is not running',
    cure: 'systemctl status "cis490-*"\nsudo systemctl start cis490-shipper',
  },
  timers: {
    role: 'both',
    meaning: 'a timer is not active',
    cure: 'sudo systemctl enable --now cis490-doctor-check.timer',
  },
  version: {
    role: 'lab-host',
    meaning: 'the installed code is not stamped, or is behind the head',
    cure: 'sudo systemctl start cis490-autoupdate',
  },
  autoupdate: {
    role: 'lab-host',
    meaning: 'the last update failed or was rolled back',
    cure: 'journalctl -u cis490-autoupdate -n 50\nsudo systemctl start cis490-autoupdate',
  },
  'shipping-errors': {
    role: 'lab-host',
    meaning: 'episodes were refused or failed to ship in the last ten minutes',
    cure: 'cis490 shipper status\ncis490 quarantine list',
  },
  store: { role: 'receiver', meaning: 'the store cannot be used', cure: EDIT_RECEIVER },
  reserve: { role: 'receiver', meaning: 'the store is at or near its reserve', cure: 'df -h /var/lib/cis490' },
  ledger: { role: 'receiver', meaning: 'ledger and files do not agree', cure: 'cis490 index verify' },
  'gate-freshness': {
    role: 'receiver',
    meaning: 'the gate cannot learn which commits are current',
    cure: 'cis490 gate status',
  },
  'backup-age': { role: 'receiver', meaning: 'there is no recent backup', cure: EDIT_RECEIVER },
} as const satisfies Record<string, CheckMeaning>;

export type CheckId = keyof typeof DOCTOR_CHECKS;

/** Whether a lab host's report may have it: of the receiver's own checks a host knows nothing. */
export function isHostCheckId(id: string): id is CheckIdOf<'lab-host'> {
  return Object.hasOwn(DOCTOR_CHECKS, id) && DOCTOR_CHECKS[id as CheckId].role !== 'receiver';
}

/** The checks of one role's doctor. */
export type CheckIdOf<Role extends DoctorRole> = {
  [Id in CheckId]: (typeof DOCTOR_CHECKS)[Id]['role'] extends Role | 'both' ? Id : never;
}[CheckId];
