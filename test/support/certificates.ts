// Certificates as a lab has them, made by the real openssl: an authority, and what it issues, right and wrong.

import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface IssuedCertificate {
  certFile: string;
  keyFile: string;
  cert: string;
  key: string;
  certificate: X509Certificate;
}

export interface NewCertificate {
  /** As openssl writes it; default `/CN=lab-1`. */
  subject?: string;
  /** Days from now; default from yesterday to in 30 days. */
  fromDays?: number;
  untilDays?: number;
  /** The extended key usage; default clientAuth. Empty: none. */
  usage?: string;
  san?: string;
  /** One more line for openssl's extensions. */
  extension?: string;
  /** A certificate that may issue others. */
  isAuthority?: boolean;
}

const DAY_MS = 86_400_000;

export class TestAuthority {
  readonly #directory: string;
  #issued = 0;
  readonly certFile: string;
  readonly keyFile: string;

  private constructor(directory: string) {
    this.#directory = directory;
    this.certFile = join(directory, 'ca.crt');
    this.keyFile = join(directory, 'ca.key');
  }

  /** Its files lie in `directory`, which is made. */
  static create(directory: string, name = 'Lab CA'): TestAuthority {
    mkdirSync(directory, { recursive: true });
    const authority = new TestAuthority(directory);
    writeFileSync(join(directory, 'index.txt'), '');
    writeFileSync(join(directory, 'ca.cnf'), configOf(directory));
    const { keyFile, certFile } = authority;
    newKey(keyFile);
    const usage = ['-addext', 'keyUsage=critical,keyCertSign,cRLSign'];
    openssl(
      'req',
      '-x509',
      '-new',
      '-key',
      keyFile,
      '-out',
      certFile,
      '-subj',
      `/CN=${name}`,
      '-days',
      '3650',
      ...usage,
    );
    return authority;
  }

  get certificate(): X509Certificate {
    return new X509Certificate(readFileSync(this.certFile));
  }

  issue(wanted: NewCertificate = {}): IssuedCertificate {
    const {
      subject = '/CN=lab-1',
      fromDays = -1,
      untilDays = 30,
      usage = 'clientAuth',
      san,
      extension,
      isAuthority,
    } = wanted;
    this.#issued += 1;
    const path = (suffix: string) => join(this.#directory, `${this.#issued}.${suffix}`);
    const [certFile, keyFile] = [path('crt'), path('key')];
    newKey(keyFile);
    openssl('req', '-new', '-key', keyFile, '-out', path('csr'), '-subj', subject);
    const extensions = [
      `basicConstraints=critical,CA:${isAuthority ? 'TRUE' : 'FALSE'}`,
      ...(usage === '' ? [] : [`extendedKeyUsage=${usage}`]),
      ...(san === undefined ? [] : [`subjectAltName=${san}`]),
      ...(extension === undefined ? [] : [extension]),
    ];
    writeFileSync(path('ext'), `${extensions.join('\n')}\n`);
    const dates = ['-startdate', asn1Time(fromDays), '-enddate', asn1Time(untilDays)];
    const files = ['-in', path('csr'), '-out', certFile, '-extfile', path('ext')];
    openssl('ca', '-config', join(this.#directory, 'ca.cnf'), '-batch', '-notext', ...dates, ...files);
    const [cert, key] = [readFileSync(certFile, 'utf8'), readFileSync(keyFile, 'utf8')];
    return { certFile, keyFile, cert, key, certificate: new X509Certificate(cert) };
  }

  /** One for a receiver or a proxy on this machine. */
  issueForServer(wanted: NewCertificate = {}): IssuedCertificate {
    return this.issue({
      subject: '/CN=receiver.lab',
      usage: 'serverAuth',
      san: 'DNS:localhost,IP:127.0.0.1',
      ...wanted,
    });
  }
}

/** RFC 9440, 2.1. */
export function clientCertHeader({ certificate }: IssuedCertificate): string {
  return `:${certificate.raw.toString('base64')}:`;
}

function newKey(path: string): void {
  openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', path);
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
}

function asn1Time(days: number): string {
  return `${new Date(Date.now() + days * DAY_MS).toISOString().replace(/[-:T]|\.\d+/g, '')}`;
}

/** What `openssl ca` asks for: it alone lets both dates be chosen. */
function configOf(directory: string): string {
  return `[ca]
default_ca = lab
[lab]
database = ${directory}/index.txt
new_certs_dir = ${directory}
certificate = ${directory}/ca.crt
private_key = ${directory}/ca.key
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
preserve = yes
[any]
countryName = optional
organizationName = optional
organizationalUnitName = optional
commonName = optional
emailAddress = optional
`;
}
