// Real programs as child processes: started, read, signalled and ended by their own pid.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { PATIENCE_MS, pauseAfterLook } from './until.ts';

export const PROJECT_ROOT = join(import.meta.dirname, '..', '..');
const LAUNCHER = join(PROJECT_ROOT, 'bin/cis490');
const COMPILE_CACHE = join(import.meta.dirname, 'compile-cache.ts');

const SHORTEST_PAUSE_MS = 20;

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export class Program {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';
  #hasEnded = false;
  readonly #listeners = new Set<() => void>();

  private constructor(command: string, args: string[], environment: NodeJS.ProcessEnv) {
    // The test runner sets it where it runs on a terminal, for itself.
    const { FORCE_COLOR: _ofTheRunner, ...own } = process.env;
    const env = { ...own, ...environment };
    this.child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#tell();
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#tell();
    });
    this.ended = once(this.child, 'close').then(([code, signal]) => {
      this.#hasEnded = true;
      this.#tell();
      return { code, signal };
    });
  }

  /** `bin/cis490 …args`. */
  static cis490(args: string[], environment: NodeJS.ProcessEnv = {}): Program {
    return new Program(LAUNCHER, args, environment);
  }

  /** Any program of the system. */
  static command(command: string, args: string[], environment: NodeJS.ProcessEnv = {}): Program {
    return new Program(command, args, environment);
  }

  /** A TypeScript file of the tests, on this Node. */
  static script(path: string, args: string[], environment: NodeJS.ProcessEnv = {}): Program {
    return new Program(process.execPath, ['--import', COMPILE_CACHE, path, ...args], environment);
  }

  /** Waits for output that matches; fails with all that was printed when the program ends without it. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const found = pattern.exec(this.stdout + this.stderr);
      if (found) return found;
      if (this.#hasEnded || Date.now() > deadline) {
        throw new Error(`never printed ${pattern}; it printed:\n${this.stdout}${this.stderr}`);
      }
      await this.#change(deadline - Date.now());
    }
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** SIGSTOP, and the certainty that no thread of it runs any more. */
  async standStill(): Promise<void> {
    this.signal('SIGSTOP');
    const threads = `/proc/${this.child.pid}/task`;
    const state = (thread: string) => /\) (\S)/.exec(readFileSync(`${threads}/${thread}/stat`, 'utf8'))?.[1] ?? '';
    await eventually(
      () => this.#hasEnded || readdirSync(threads).every((thread) => 'TtZX'.includes(state(thread))),
      'every thread stands still',
    );
  }

  async kill(): Promise<Ended> {
    this.child.kill('SIGKILL');
    return await this.ended;
  }

  async stop(): Promise<Ended> {
    this.child.kill('SIGTERM');
    return await this.ended;
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  async #change(patienceMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, patienceMs);
    this.#listeners.add(resolve);
    await promise;
    this.#listeners.delete(resolve);
    clearTimeout(timer);
  }
}

// Below the range from which the kernel gives ports to whoever asks for any (ip_local_port_range), and so to nobody by chance.
const FIRST_PORT = 16_384;
const PORTS = 16_384;
let nextPort = (process.pid * 61) % PORTS;

/** A port of 127.0.0.1 that is free, for programs that must come back on the same one; never the same twice, and far from those of the test files beside. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + nextPort;
    nextPort = (nextPort + 1) % PORTS;
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch {
      continue;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** Polls until `condition` holds; the patience only ends a test that hangs. */
export async function eventually(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const lookedAt = performance.now();
    if (await condition()) return;
    if (Date.now() > deadline) throw new Error(`never came true: ${what}`);
    await pauseAfterLook(performance.now() - lookedAt, SHORTEST_PAUSE_MS);
  }
}
