// A receiver that is its fleet's certificate authority, over its own TLS, and clients that know nothing of this project: openssl and curl.

import { spawnSync } from 'node:child_process';
import { createHash, sign, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { freePort, Program } from './program.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export interface HostFiles {
  hostId: string;
  key: string;
  /** DER. */
  csr: string;
  /** PEM; there once it was issued. */
  cert: string;
}

export interface CurlAnswer {
  /** 0: no answer came. */
  status: number;
  headers: string;
  body: string;
  /** curl's own. */
  exit: number | null;
  json: Record<string, unknown>;
}

export interface CurlOptions {
  post?: string;
  token?: string;
  cert?: HostFiles;
  headers?: string[];
  /** Default: what the receiver trusts now. */
  ca?: string;
  environment?: NodeJS.ProcessEnv;
}

export class EstLab {
  readonly root: string;
  readonly port: number;
  readonly config: string;
  readonly store: string;
  receiver: Program | undefined;

  private constructor(root: string, port: number, keys: string) {
    this.root = root;
    this.port = port;
    this.store = join(root, 'store');
    this.config = join(root, 'receiver.toml');
    mkdirSync(this.store);
    const tls = ['cert_file = "store/ca/server/server.crt"', 'key_file = "store/ca/server/server.key"'];
    const ca = 'client_ca_file = "store/ca/trusted.crt"';
    const toml = `[listen]\nport = ${port}\n[listen.tls]\n${tls.join('\n')}\n${ca}\n[store]\nroot = "store"\nmin_free = "1 MiB"\n[version_gate]\nenabled = false\n${keys}`;
    writeFileSync(this.config, toml);
  }

  static async create(t: TestContext, keys = ''): Promise<EstLab> {
    const lab = new EstLab(temporaryDirectory(t), await freePort(), keys);
    t.after(async () => {
      await lab.receiver?.kill();
    });
    return lab;
  }

  get trusted(): string {
    return join(this.store, 'ca/trusted.crt');
  }

  async start(environment: NodeJS.ProcessEnv = {}): Promise<Program> {
    this.receiver = Program.cis490(['receiver', '--config', this.config], environment);
    await this.receiver.printed(/receiver is listening/);
    return this.receiver;
  }

  /** `cis490 ca …`. */
  async ca(
    args: string[],
    environment: NodeJS.ProcessEnv = {},
  ): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const program = Program.cis490(['ca', ...args, '--config', this.config], environment);
    const { code } = await program.ended;
    return { code, stdout: program.stdout, stderr: program.stderr };
  }

  async token(hostId: string, more: string[] = []): Promise<{ id: string; token: string; ca_fingerprint: string }> {
    const { code, stdout, stderr } = await this.ca(['token', '--host', hostId, '--json', ...more]);
    if (code !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  }

  /** A new key and its request; `newkey`: as `openssl req` has it. */
  host(hostId: string, name = hostId, newkey = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']): HostFiles {
    const path = (suffix: string) => join(this.root, `${name}.${suffix}`);
    const files = { hostId, key: path('key'), csr: path('csr'), cert: path('crt') };
    openssl(
      'req',
      '-newkey',
      ...newkey,
      '-nodes',
      '-keyout',
      files.key,
      '-subj',
      '/CN=not-for-you',
      '-outform',
      'DER',
      '-out',
      files.csr,
    );
    return files;
  }

  curl(path: string, options: CurlOptions = {}): CurlAnswer {
    const { post, token, cert, headers = [], ca = this.trusted, environment = {} } = options;
    const url = `https://localhost:${this.port}${path}`;
    const args = ['-sS', '-i', '--http1.1', ...(existsSync(ca) ? ['--cacert', ca] : [])];
    if (post !== undefined) args.push('-H', 'Content-Type: application/pkcs10', '--data-binary', post);
    if (token !== undefined) args.push('-u', `enrol:${token}`);
    if (cert) args.push('--cert', cert.cert, '--key', cert.key);
    for (const header of headers) args.push('-H', header);
    const { stdout, status: exit } = spawnSync('curl', [...args, url], {
      encoding: 'utf8',
      env: { ...process.env, ...environment },
    });
    const end = stdout.indexOf('\r\n\r\n');
    const body = stdout.slice(end + 4);
    return {
      status: Number(/^HTTP\S+ (\d+)/.exec(stdout)?.[1] ?? 0),
      headers: stdout.slice(0, end),
      body,
      exit,
      json: parse(body),
    };
  }

  enrol(host: HostFiles, token: string, options: CurlOptions = {}): CurlAnswer {
    return this.#kept(
      host,
      this.curl('/.well-known/est/simpleenroll', { post: base64Of(host.csr), token, ...options }),
    );
  }

  renew(host: HostFiles, next: HostFiles, options: CurlOptions = {}): CurlAnswer {
    const path = '/.well-known/est/simplereenroll';
    return this.#kept(next, this.curl(path, { post: base64Of(next.csr), cert: host, ...options }));
  }

  renewByOldKey(old: HostFiles, next: HostFiles, options: CurlOptions = {}, signer = old): CurlAnswer {
    const certificate = new X509Certificate(readFileSync(old.cert)).raw.toString('base64');
    const digest = createHash('sha256').update(readFileSync(next.csr)).digest();
    const signature = sign('sha256', digest, readFileSync(signer.key)).toString('base64');
    const headers = [`X-Cis490-Old-Certificate: ${certificate}`, `X-Cis490-Old-Key-Signature: ${signature}`];
    const path = '/.well-known/est/simplereenroll';
    return this.#kept(next, this.curl(path, { post: base64Of(next.csr), headers, ...options }));
  }

  /** What came beside the leaf is not looked at here: the first certificate in the answer that is for the host. */
  #kept(host: HostFiles, answer: CurlAnswer): CurlAnswer {
    if (answer.status !== 200) return answer;
    const leaf = certificatesIn(answer.body).find((pem) => new X509Certificate(pem).subject === `CN=${host.hostId}`);
    if (leaf !== undefined) writeFileSync(host.cert, leaf);
    return answer;
  }
}

/** What the real openssl makes of PKCS #7 in base64. */
export function certificatesIn(body: string): string[] {
  const der = Buffer.from(body, 'base64');
  const { stdout, status, stderr } = spawnSync('openssl', ['pkcs7', '-inform', 'DER', '-print_certs'], { input: der });
  if (status !== 0) throw new Error(stderr.toString());
  return stdout.toString().match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g) ?? [];
}

/** Throws what openssl says. */
export function openssl(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}${stdout}`);
  return stdout;
}

export function base64Of(path: string): string {
  return readFileSync(path).toString('base64');
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
