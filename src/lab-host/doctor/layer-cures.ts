// For each way in which a layer on the way to the receiver can fail: what a person is to decide, and the commands.

import { shellWord } from '../../lib/shell-word.ts';
import { addressOf } from '../transport/address-of.ts';
import type { DoctorContext } from './doctor-context.ts';
import { interfaceTowards } from './interface-towards.ts';

export interface LayerCure {
  /** What the commands alone do not say; empty where they say it all. */
  advice: string;
  commands: readonly string[];
}

/** `code`: of the failed layer. */
export async function layerCure(code: string, context: DoctorContext): Promise<LayerCure> {
  const { cures, config, receiver } = context;
  const { url } = receiver;
  const host = shellWord(addressOf(url).host);
  const { tls, bearer_token_file: token } = config.receiver;
  const edit = cures.editConfig;
  const onReceiver = (command: string) => `ssh ${host} ${shellWord(command)}`;
  const shipperAgain = 'sudo systemctl restart cis490-shipper';
  const certFile = tls?.cert_file === undefined ? undefined : shellWord(tls.cert_file);
  const showCertificate = `openssl x509 -noout -subject -issuer -dates -in ${certFile}`;
  const route = `ip route get "$(getent ahosts ${host} | awk 'NR == 1 { print $1 }')"`;

  switch (code) {
    case 'certificate-unused':
      return { advice: 'write https:// in [receiver] url', commands: [edit, shipperAgain] };
    case 'name-not-found':
      return {
        advice: '[receiver] url has a name that nobody knows',
        commands: [edit, shipperAgain],
      };
    case 'resolver-silent':
    case 'eai_again':
      return {
        advice: 'no name server answers',
        commands: ['cat /etc/resolv.conf', 'sudo systemctl restart systemd-resolved'],
      };
    case 'econnrefused':
      return {
        advice: 'nothing listens there: start the receiver, or correct the port in [receiver] url',
        commands: [onReceiver('sudo systemctl start cis490-receiver'), edit, shipperAgain],
      };
    case 'connect-timeout':
    case 'etimedout':
    case 'ehostunreach':
    case 'enetunreach':
      return {
        advice: 'nothing answers there: look at the network, the VPN and firewalls on the way',
        commands: [route, `ping -c 3 ${host}`, 'sudo wg show'],
      };
    case 'silent':
      return {
        advice: 'what listens there is not the receiver, or it hangs',
        commands: [onReceiver('sudo systemctl restart cis490-receiver'), edit],
      };
    case 'path-mtu': {
      const device = await interfaceTowards(url);
      return {
        advice: 'a link on the way drops full-size packets',
        commands:
          device === undefined ? [route, 'ip link show'] : [`sudo ip link set dev ${shellWord(device)} mtu 1280`],
      };
    }
    case 'not-tls':
    case 'not-http':
    case 'unexpected-answer':
    case 'not-found':
    case 'http-404':
      return { advice: 'correct [receiver] url: scheme, name and port', commands: [edit, shipperAgain] };
    case 'certificate-untrusted':
    case 'tls-failed':
      return {
        advice: 'compare it with [receiver.tls] ca_file: the authority that issued it must be there',
        commands: [
          `openssl s_client -connect ${shellWord(`${url.hostname}:${addressOf(url).port}`)} -showcerts </dev/null`,
          ...(tls?.ca_file === undefined ? [] : [showDates(tls.ca_file)]),
          edit,
        ],
      };
    case 'certificate-wrong-name':
      return { advice: 'write [receiver] url with a name that the certificate has', commands: [edit, shipperAgain] };
    case 'certificate-expired':
    case 'certificate-not-yet-valid':
      return {
        advice: 'if the clock here is right, the receiver needs another certificate',
        commands: ['timedatectl', onReceiver('sudo cis490 doctor --role receiver')],
      };
    case 'clock-wrong':
      return { advice: 'the clock here is wrong', commands: ['sudo timedatectl set-ntp true', 'timedatectl'] };
    case 'client-certificate-missing':
      return { advice: 'set cert_file and key_file under [receiver.tls]', commands: [edit, shipperAgain] };
    case 'client-certificate-refused':
      return {
        advice: 'its issuer is not trusted there, it has expired or was revoked',
        commands: [showCertificate, 'sudo systemctl start cis490-cert-fetch'],
      };
    case 'credential-missing':
      return {
        advice: 'set [receiver] bearer_token_file, or cert_file and key_file under [receiver.tls]',
        commands: [edit, shipperAgain],
      };
    case 'credential-invalid':
    case 'forbidden':
    case 'http-401':
    case 'http-403': {
      const create = onReceiver(`sudo cis490 token create --role host --host ${config.host_id}`);
      if (token === undefined && certFile !== undefined) {
        const renew = [showCertificate, 'sudo systemctl start cis490-cert-fetch'];
        const advice = `the certificate must be valid there, and its CN ${config.host_id}`;
        if (!config.cert.enabled) return { advice, commands: renew };
        return {
          advice: `${advice}; after a revocation only a new token helps`,
          commands: [
            ...renew,
            onReceiver(`sudo cis490 ca token --host ${config.host_id}`),
            // Takes the token from the terminal: in no list of processes, and in no shell's history.
            'sudo install -m 600 /dev/stdin /root/enrolment.token',
            cures.cis490('cert-fetch --token-file /root/enrolment.token'),
          ],
        };
      }
      const file = token?.path === undefined ? edit : `sudoedit ${shellWord(token.path)}`;
      return {
        advice: `this host needs a token of its own, as ${config.host_id}`,
        commands: [create, file, shipperAgain],
      };
    }
    case 'http-502':
    case 'http-504':
      return {
        advice: 'the proxy answers, and the receiver behind it does not',
        commands: [onReceiver('sudo systemctl restart cis490-receiver')],
      };
    case 'gate-unknown':
    case 'gate-stale':
    case 'gate-unavailable':
      return {
        advice: 'the receiver cannot learn which commits are current',
        commands: [onReceiver('sudo cis490 gate status')],
      };
    default:
      return /^(?:commit|dirty)-/.test(code)
        ? { advice: '', commands: cures.update }
        : {
            advice: 'look at the receiver',
            commands: [
              onReceiver('sudo journalctl -u cis490-receiver -n 50 --no-pager'),
              cures.cis490('shipper --ping'),
            ],
          };
  }
}

function showDates(path: string): string {
  return `openssl x509 -noout -subject -issuer -dates -in ${shellWord(path)}`;
}
