// A host's identity directory, and looks after it as the program takes them.

import { X509Certificate } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type EstAuthority, EstServer } from '../../../test/support/est-server.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { noStepObserver } from '../../lib/after-step.ts';
import { type Clock, formatWallTime, systemClock } from '../../lib/clock.ts';
import { Secret } from '../../lib/config/secret-file.ts';
import { createLogger } from '../../lib/logger.ts';
import { writeAuthorities } from '../authorities-file.ts';
import { type CertFetchOptions, type CertFetchResult, runCertFetch } from './app.ts';

export class HostIdentity {
  readonly root: string;
  readonly server: EstServer;
  readonly lines: string[] = [];
  /** By how much this machine's clock is off. */
  clockOffMs = 0;

  private constructor(root: string, server: EstServer) {
    this.root = root;
    this.server = server;
  }

  /** It trusts the server's authority, and has no certificate yet. */
  static async create(t: TestContext, authority?: EstAuthority): Promise<HostIdentity> {
    const server = await EstServer.start(authority);
    t.after(() => server.close());
    const host = new HostIdentity(join(temporaryDirectory(t), 'identity'), server);
    mkdirSync(host.root, { mode: 0o700 });
    const raw = Buffer.from(server.authority.certificate.rawData);
    await writeAuthorities(join(host.root, 'ca.crt'), [new X509Certificate(raw)]);
    return host;
  }

  static async enrolled(t: TestContext, authority?: EstAuthority): Promise<HostIdentity> {
    const host = await HostIdentity.create(t, authority);
    await host.fetch({ token: host.server.addToken() });
    return host;
  }

  async fetch(more: Omit<Partial<CertFetchOptions>, 'token'> & { token?: string } = {}): Promise<CertFetchResult> {
    const { token, ...options } = more;
    return await runCertFetch({
      identityRoot: this.root,
      hostId: 'lab-1',
      estUrl: this.server.url,
      caFile: join(this.root, 'ca.crt'),
      renewAt: 0.66,
      connectTimeoutMs: 60_000,
      idleTimeoutMs: 60_000,
      token: token === undefined ? undefined : new Secret(token),
      stop: new AbortController().signal,
      clock: this.#clock(),
      logger: createLogger({
        level: 'info',
        form: 'plain',
        clock: systemClock,
        write: (line) => void this.lines.push(line),
      }),
      afterStep: noStepObserver,
      ...options,
    });
  }

  /** Time passes, here and at the server. */
  passDays(days: number): void {
    this.clockOffMs += days * 86_400_000;
    this.server.clockOffMs += days * 86_400_000;
  }

  #clock(): Clock {
    const now = () => Temporal.Now.instant().add({ milliseconds: this.clockOffMs });
    return { ...systemClock, wallTime: () => formatWallTime(now()) };
  }
}
