// A bare machine in a directory: a program's tree with an installer that only writes down how it was called, and a receiver to go to.

import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { EstServer } from '../../../test/support/est-server.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { noStepObserver } from '../../lib/after-step.ts';
import { systemClock } from '../../lib/clock.ts';
import { INSTALL_ROOT } from '../../lib/install-root.ts';
import { createLogger } from '../../lib/logger.ts';
import { readIfThere } from '../../lib/read-if-there.ts';
import { runCertFetch } from '../cert-fetch/app.ts';
import { type BootstrapOptions, runBootstrap } from './app.ts';

const LIMITS = { renewAt: 0.66, connectTimeoutMs: 60_000, idleTimeoutMs: 60_000 };

export class BareMachine {
  readonly root: string;
  readonly tree: string;
  readonly server: EstServer;
  readonly lines: string[] = [];
  readonly printed: string[] = [];

  private constructor(directory: string, server: EstServer) {
    this.root = join(directory, 'root');
    this.tree = join(directory, 'tree');
    this.server = server;
  }

  static async create(t: TestContext): Promise<BareMachine> {
    const server = await EstServer.start();
    t.after(() => server.close());
    const machine = new BareMachine(temporaryDirectory(t), server);
    for (const name of ['scripts', 'etc', 'bin']) mkdirSync(join(machine.tree, name), { recursive: true });
    mkdirSync(machine.root);
    copyFileSync(join(INSTALL_ROOT, 'etc/lab-host.toml.example'), join(machine.tree, 'etc/lab-host.toml.example'));
    machine.program('scripts/install-lab-host.sh', 0);
    machine.program('bin/cis490', 0);
    return machine;
  }

  /** A stand-in that writes its name, arguments and environment to `calls`, and ends with that code. */
  program(name: string, code: number): void {
    const path = join(this.tree, name);
    writeFileSync(
      path,
      `#!/bin/sh\necho "${name} $*" >>${this.root}/calls\nenv >>${this.root}/environment\nexit ${code}\n`,
    );
    chmodSync(path, 0o755);
  }

  async calls(): Promise<string[]> {
    return ((await readIfThere(join(this.root, 'calls'))) ?? '').split('\n').filter((line) => line !== '');
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), 'utf8');
  }

  /** What the command line of the manual says, and what differs from it. */
  async bootstrap(flags: BootstrapOptions['flags'] = {}, more: Partial<BootstrapOptions> = {}): Promise<number> {
    const logger = createLogger({
      level: 'info',
      form: 'plain',
      clock: systemClock,
      write: (line) => void this.lines.push(line),
    });
    const shared = { stop: new AbortController().signal, clock: systemClock, logger };
    return await runBootstrap({
      flags: { receiver: this.server.url, caFingerprint: this.server.fingerprint, hostId: 'lab-1', ...flags },
      seedPath: undefined,
      seedPaths: [],
      root: this.root,
      isImage: false,
      uid: 0,
      tree: this.tree,
      hostName: 'lab-1.example',
      environment: process.env,
      enrol: async (request) => await runCertFetch({ ...request, ...LIMITS, ...shared, afterStep: noStepObserver }),
      print: (line) => void this.printed.push(line),
      ...shared,
      afterStep: noStepObserver,
      ...more,
    });
  }
}
