// Certificates, tokens, and the files that they lie in.

import { TestAuthority } from '../../support/certificates.ts';
import type { Fault } from '../fault.ts';
import { type Lab, RECEIVER } from '../lab.ts';

const TLS = { tls: true };

/** The host's certificate is replaced by another, and cert-fetch would bring the right one. */
async function holds(lab: Lab, wrong: { cert: string; key: string }): Promise<void> {
  const etc = '/etc/cis490';
  await lab.machines.sure('lab-1', `for part in crt key; do cp -p ${etc}/host.$part ${etc}/good.$part; done`);
  lab.edits('lab-1', 'cert-fetch', `for part in crt key; do cp -p ${etc}/good.$part ${etc}/host.$part; done`);
  lab.putPem('lab-1', { 'host.crt': wrong.cert, 'host.key': wrong.key });
  await lab.machines.sure('lab-1', 'systemctl restart cis490-shipper');
}

/** Stored by a host of that name, before it was cut off: so long ago that it is silent. */
async function afterwards(lab: Lab): Promise<void> {
  await lab.pass(20, ['lab-2']);
}

export const CREDENTIAL_FAULTS: Fault[] = [
  {
    id: 'certificate-of-another-host',
    title: 'the host has the certificate of another host',
    lab: TLS,
    plant: async (lab) => {
      if (lab.authority) await holds(lab, lab.authority.issue({ subject: '/CN=lab-9' }));
      await lab.publish('lab-1');
      await afterwards(lab);
    },
    expect: {
      fleetHealth: { host: 'lab-1', symptom: 'silent', detail: /^nothing stored for 20 min/ },
      doctor: { machine: 'lab-1', check: 'credential', status: 'red', summary: /its CN lab-1$/ },
      // Whose certificate it is.
      besides: { host: 'lab-9', symptom: 'fatal-only' },
      fleetView: { host: 'lab-1', state: 'silent' },
    },
    cure: 'doctor',
  },
  {
    id: 'certificate-expired',
    title: 'the certificate of the host has expired',
    lab: TLS,
    plant: async (lab) => {
      if (lab.authority) await holds(lab, lab.authority.issue({ fromDays: -10, untilDays: -1 }));
      await afterwards(lab);
    },
    expect: {
      fleetHealth: { host: 'lab-1', symptom: 'silent', detail: /^nothing stored for 20 min/ },
      doctor: {
        machine: 'lab-1',
        check: 'certificate-expiry',
        status: 'red',
        summary: /host.crt has expired: it was valid until/,
      },
      fleetView: { host: 'lab-1', state: 'silent' },
    },
    cure: 'doctor',
  },
  {
    id: 'certificate-not-yet-valid',
    title: 'the certificate of the host is not valid yet',
    lab: TLS,
    plant: async (lab) => {
      if (lab.authority) await holds(lab, lab.authority.issue({ fromDays: 2, untilDays: 30 }));
      await afterwards(lab);
    },
    expect: {
      fleetHealth: { host: 'lab-1', symptom: 'silent', detail: /^nothing stored for 20 min/ },
      doctor: {
        machine: 'lab-1',
        check: 'certificate-expiry',
        status: 'red',
        summary: /host.crt is valid only from .*: is the clock right\?$/,
      },
      fleetView: { host: 'lab-1', state: 'silent' },
    },
    cure: 'doctor',
  },
  {
    id: 'certificate-of-another-authority',
    title: 'the certificate of the host is by an authority that the receiver does not trust',
    lab: TLS,
    plant: async (lab) => {
      const other = TestAuthority.create(`${lab.machines.directory}/other-ca`, 'Other CA');
      await holds(lab, other.issue());
      await afterwards(lab);
    },
    expect: {
      fleetHealth: { host: 'lab-1', symptom: 'silent', detail: /^nothing stored for 20 min/ },
      doctor: { machine: 'lab-1', check: 'credential', status: 'red', summary: /the certificate must be valid there/ },
      fleetView: { host: 'lab-1', state: 'silent' },
    },
    cure: 'doctor',
  },
  {
    id: 'wrong-ca-on-the-host',
    title: 'the host trusts another authority than the one that issued the receiver’s certificate',
    lab: TLS,
    plant: async (lab) => {
      const other = TestAuthority.create(`${lab.machines.directory}/other-ca`, 'Other CA');
      await lab.machines.sure('lab-1', 'cp -p /etc/cis490/ca.crt /etc/cis490/good-ca.crt');
      lab.edits('lab-1', 'lab-host.toml', 'cp -p /etc/cis490/good-ca.crt /etc/cis490/ca.crt');
      lab.putPem('lab-1', { 'ca.crt': other.certificate.toString() });
      await lab.machines.sure('lab-1', 'systemctl restart cis490-shipper');
      await afterwards(lab);
    },
    expect: {
      fleetHealth: { host: 'lab-1', symptom: 'silent', detail: /^nothing stored for 20 min/ },
      doctor: {
        machine: 'lab-1',
        check: 'receiver-tls',
        status: 'red',
        summary: /\(certificate-untrusted\): compare it with \[receiver.tls\] ca_file/,
      },
      fleetView: { host: 'lab-1', state: 'silent' },
    },
    cure: 'doctor',
  },
  {
    id: 'certificate-revoked',
    title: 'the certificate of the host was revoked',
    lab: TLS,
    plant: async (lab) => {
      const good = lab.authority?.issue();
      lab.putPem('lab-1', { 'good.crt': good?.cert ?? '', 'good.key': good?.key ?? '' });
      lab.edits(
        'lab-1',
        'cert-fetch',
        'for part in crt key; do cp -p /etc/cis490/good.$part /etc/cis490/host.$part; done',
      );
      const serial = await lab.machines.sure('lab-1', 'openssl x509 -noout -serial -in /etc/cis490/host.crt');
      await lab.machines.sure(
        RECEIVER,
        `cis490 ca revoke --serial ${serial.trim().replace('serial=', '')} --why stolen`,
      );
      await lab.publish('lab-1');
      await afterwards(lab);
      await lab.refusals('lab-1', 10);
    },
    expect: {
      fleetHealth: { host: 'lab-1', symptom: 'silent', detail: /^nothing stored for 20 min/ },
      doctor: { machine: 'lab-1', check: 'credential', status: 'red', summary: /the certificate must be valid there/ },
      fleetView: { host: 'lab-1', state: 'refused' },
    },
    cure: 'doctor',
  },
  {
    id: 'token-revoked',
    title: 'the token of the host was revoked',
    plant: async (lab) => {
      const token = await lab.machines.sure(RECEIVER, 'cis490 token create --role host --host lab-1');
      lab.putSecret('lab-1', 'token', token);
      await lab.machines.sure('lab-1', 'systemctl restart cis490-shipper');
      await lab.stored('lab-1');
      const list = await lab.machines.sure(RECEIVER, 'cis490 token list');
      const id = list
        .split('\n')
        .find((line) => line.includes('lab-1'))
        ?.split(/\s+/)[0];
      await lab.machines.sure(RECEIVER, `cis490 token revoke ${id}`);
      // The person pastes what the command before has printed.
      lab.edits('lab-1', 'token', 'grep -E "^cis490_|^[A-Za-z0-9_-]{40,}$" /run/screen | tail -n 1 >"$1"');
      await lab.publish('lab-1');
      await afterwards(lab);
      await lab.refusals('lab-1', 10);
    },
    expect: {
      fleetHealth: { host: 'lab-1', symptom: 'silent', detail: /^nothing stored for 20 min/ },
      doctor: {
        machine: 'lab-1',
        check: 'credential',
        status: 'red',
        summary: /this host needs a token of its own, as lab-1$/,
      },
      fleetView: { host: 'lab-1', state: 'refused' },
    },
    cure: 'doctor',
  },
  {
    id: 'token-for-all-to-read',
    title: 'the file of the token can be read by everybody',
    plant: async (lab) => {
      await lab.machines.sure('lab-1', 'chmod 0644 /etc/cis490/token; systemctl restart cis490-shipper || true');
      await afterwards(lab);
    },
    expect: {
      fleetHealth: { host: 'lab-1', symptom: 'silent', detail: /^nothing stored for 20 min/ },
      doctor: { machine: 'lab-1', check: 'configuration', status: 'red', summary: /token/ },
      fleetView: { host: 'lab-1', state: 'silent' },
    },
    cure: 'doctor',
  },
  {
    id: 'configuration-with-a-mistake',
    title: 'a key of the configuration is misspelt',
    plant: async (lab) => {
      lab.writeHostToml('lab-1', { more: '[shiper]\nconcurrency = 2\n' });
      await lab.machines.sure('lab-1', 'systemctl restart cis490-shipper || true');
      lab.editsTomlBack('lab-1');
      await afterwards(lab);
    },
    expect: {
      fleetHealth: { host: 'lab-1', symptom: 'silent', detail: /^nothing stored for 20 min/ },
      doctor: { machine: 'lab-1', check: 'configuration', status: 'red', summary: /\[shiper\].*did you mean/ },
      fleetView: { host: 'lab-1', state: 'silent' },
    },
    cure: 'doctor',
  },
];
