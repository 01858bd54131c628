// When the receiver's certificates end: its own, and the authorities by which it knows the hosts.

import type { X509Certificate } from 'node:crypto';
import { readCertificates } from '../identity/certificate-authorities.ts';
import { defineCollector, type MetricSources } from './metric-sources.ts';

export const certificatesCollector = defineCollector({
  families: {
    cis490_certificate_expiry_timestamp_seconds: {
      help: 'When a certificate ends, of several in a file the first that does: server ([listen.tls] cert_file), client-ca (client_ca_file), authority and authority-previous (cis490 ca).',
      labels: ['certificate'],
    },
  },
  async read(sources) {
    return certificatesOf(sources).map(
      ([certificate, all]) =>
        [
          'cis490_certificate_expiry_timestamp_seconds',
          Math.min(...all.map(({ validToDate }) => validToDate.getTime())) / 1000,
          { certificate },
        ] as const,
    );
  },
});

function certificatesOf({
  listen: { tls },
  authority,
}: MetricSources): [name: string, certificates: X509Certificate[]][] {
  const ofFile = (name: string, key: string, path: string | undefined): [string, X509Certificate[]][] =>
    path === undefined ? [] : [[name, readCertificates(path, `[listen.tls] ${key}`)]];
  const { set } = authority;
  return [
    ...ofFile('server', 'cert_file', tls?.cert_file),
    ...ofFile('client-ca', 'client_ca_file', tls?.client_ca_file),
    ...(set ? [['authority', [set.current.certificate]] as [string, X509Certificate[]]] : []),
    ...(set?.previous ? [['authority-previous', [set.previous.certificate]] as [string, X509Certificate[]]] : []),
  ];
}
