// [listen]: where the receiver is reached, by which proxies, and how certificates come to it.

import { isIP } from 'node:net';
import { z } from 'zod';
import { configPath } from '../../lib/config/config-path.ts';
import { addMistake, type ConfigContext, whenSound } from '../../lib/config/define-config.ts';
import { secretFile } from '../../lib/config/secret-file.ts';

export function listenSchema(context: ConfigContext) {
  return z
    .strictObject({
      host: z
        .string()
        .min(1)
        .default('127.0.0.1')
        .meta({ description: 'The address that is listened on. "0.0.0.0" is every IPv4 address of the machine.' }),
      port: z
        .int()
        .min(0)
        .max(65_535)
        .default(8490)
        .meta({ description: 'The TCP port; 0 lets the system choose one.' }),
      trusted_proxies: z
        .array(proxyAddress())
        .default([])
        .meta({
          description:
            'Reverse proxies whose word on the client counts: its certificate and its address. From anyone else such headers are ignored.',
          allowed: 'a list of IP addresses or networks',
          example: ['127.0.0.1', '10.0.0.0/8'],
        }),
      tls: tlsSchema(context).optional(),
      proxy_headers: proxyHeadersSchema().prefault({}),
    })
    .superRefine(requireUse, { when: whenSound('tls', 'trusted_proxies') })
    .meta({ description: 'Where lab hosts reach the receiver.' });
}

function proxyAddress() {
  return z.string().refine((text) => {
    const [address = '', bits, ...rest] = text.split('/');
    const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
    return rest.length === 0 && most > 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most));
  });
}

function tlsSchema(context: ConfigContext) {
  return z
    .strictObject({
      cert_file: configPath(context).optional().meta({
        description:
          "The receiver's own certificate, with its chain, in PEM. With it, HTTPS is spoken and HTTP no more.",
        example: 'receiver.crt',
      }),
      key_file: secretFile(context).optional().meta({
        description: 'The private key of that certificate, in PEM.',
        example: 'receiver.key',
      }),
      client_ca_file: configPath(context).optional().meta({
        description:
          "The authorities, in PEM, whose certificates identify lab hosts by their CN: in the receiver's own TLS, and as passed on by a trusted proxy.",
        example: 'lab-ca.crt',
      }),
    })
    .superRefine(
      ({ cert_file, key_file }, context) => {
        if (cert_file !== undefined && key_file === undefined)
          addMistake(context, 'cert_file without it', 'both or neither', ['key_file']);
        if (key_file !== undefined && cert_file === undefined)
          addMistake(context, 'key_file without it', 'both or neither', ['cert_file']);
      },
      { when: whenSound('cert_file', 'key_file') },
    )
    .meta({ description: 'HTTPS, and the certificates of lab hosts.' });
}

function proxyHeadersSchema() {
  return z
    .strictObject({
      certificate: headerName().default('Client-Cert').meta({
        description: 'The header in which a trusted proxy passes on the whole certificate, as RFC 9440 has it.',
      }),
      subject: headerName().optional().meta({
        description:
          'For a proxy that cannot pass on the certificate: the header with its subject. The proxy must have verified it; certificate is then not read.',
        example: 'X-Client-Subject',
      }),
      san: headerName().optional().meta({
        description: 'The header with the subject alternative names: read where the subject has no CN.',
        example: 'X-Client-San',
      }),
      fingerprint: headerName().optional().meta({
        description: 'The header with the SHA-256 fingerprint in hex, by which a revoked certificate is told.',
        example: 'X-Client-Fingerprint',
      }),
    })
    .superRefine(
      ({ subject, san, fingerprint }, context) => {
        if ((subject !== undefined) !== (fingerprint !== undefined)) {
          addMistake(
            context,
            'only one of subject and fingerprint',
            'both: without the fingerprint no certificate could be revoked',
            [subject === undefined ? 'subject' : 'fingerprint'],
          );
        }
        if (san !== undefined && subject === undefined)
          addMistake(context, 'san without subject', 'subject and fingerprint beside it', ['san']);
      },
      { when: whenSound('subject', 'san', 'fingerprint') },
    )
    .meta({ description: 'How trusted proxies pass on the certificate of the client.' });
}

function headerName() {
  return z
    .string()
    .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/)
    .meta({ allowed: 'the name of a header' });
}

interface Listen {
  trusted_proxies: string[];
  tls?: { cert_file?: string | undefined; client_ca_file?: string | undefined } | undefined;
}

function requireUse({ tls, trusted_proxies }: Listen, context: z.core.$RefinementCtx): void {
  if (tls?.client_ca_file === undefined || tls.cert_file !== undefined || trusted_proxies.length > 0) return;
  addMistake(
    context,
    'client_ca_file, while nobody can show a certificate',
    'cert_file and key_file, or trusted_proxies',
    ['tls', 'client_ca_file'],
  );
}
