// What systemd is told of this program (sd_notify(3)): ready, alive, stopping, a line of status. Telling never stops the work: nothing
// here throws, waits or keeps the process alive. Node has no unix datagram socket, so systemd-notify(1) sends it; its process is not
// the main one, and the unit needs NotifyAccess=all.

import { spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { type Clock, systemClock } from './clock.ts';
import type { Logger } from './logger.ts';

export interface Notifier {
  ready(): void;
  /** One line for `systemctl status`. Call it when a person would see a change, not with each chunk of work. */
  status(text: string): void;
  /** The work goes on. Cheap: may be called with each chunk; told once in `watchdogIntervalMs` at most. */
  alive(): void;
  stopping(): void;
  /** Half of what systemd waits for before it kills, as sd_watchdog_enabled(3) advises; undefined when nobody watches. */
  readonly watchdogIntervalMs: number | undefined;
  /** Resolves when all that was said has been told or has failed. */
  settled(): Promise<void>;
}

const LONGEST_STATUS = 500;
// systemd-notify itself waits up to 5 s for systemd to have read the message.
const TELL_TIMEOUT_MS = 10_000;

/** `environment` is the process's own: without NOTIFY_SOCKET in it nobody is told anything. */
export function createNotifier(environment: NodeJS.ProcessEnv, logger: Logger, clock: Clock = systemClock): Notifier {
  if (!environment['NOTIFY_SOCKET']) return silentNotifier();
  const watchdogIntervalMs = watchdogInterval(environment);
  const teller = new Teller(environment, logger);
  let aliveAtMs = Number.NEGATIVE_INFINITY;
  return {
    ready: () => teller.tell('state', 'READY=1'),
    status: (text) => teller.tell('status', `STATUS=${oneLine(text)}`),
    alive: () => {
      const nowMs = clock.monotonicMs();
      if (watchdogIntervalMs === undefined || nowMs - aliveAtMs < watchdogIntervalMs) return;
      aliveAtMs = nowMs;
      teller.tell('watchdog', 'WATCHDOG=1');
    },
    stopping: () => teller.tell('state', 'STOPPING=1'),
    watchdogIntervalMs,
    settled: () => teller.settled(),
  };
}

/** Of each kind the newest waits while a child runs, and goes with the next. */
class Teller {
  readonly #environment: NodeJS.ProcessEnv;
  readonly #logger: Logger;
  readonly #waiting = new Map<'state' | 'status' | 'watchdog', string>();
  readonly #told = new Map<string, string>();
  #telling: Promise<void> | undefined;
  #hasWarned = false;

  constructor(environment: NodeJS.ProcessEnv, logger: Logger) {
    this.#environment = environment;
    this.#logger = logger;
  }

  tell(kind: 'state' | 'status' | 'watchdog', assignment: string): void {
    this.#waiting.set(kind, assignment);
    this.#telling ??= this.#tellWaiting();
  }

  async settled(): Promise<void> {
    // The child alone does not keep the process alive; whoever waits for it does.
    const hold = setInterval(() => undefined, TELL_TIMEOUT_MS);
    await this.#telling;
    clearInterval(hold);
  }

  async #tellWaiting(): Promise<void> {
    // What is said in one turn of the event loop is told by one child.
    await Promise.resolve();
    while (this.#waiting.size > 0) {
      if (this.#waiting.get('status') === this.#told.get('status')) this.#waiting.delete('status');
      const assignments = [...this.#waiting];
      this.#waiting.clear();
      if (assignments.length === 0) break;
      const failure = await this.#send(assignments.map(([, text]) => text));
      if (failure === undefined) {
        for (const [kind, text] of assignments) this.#told.set(kind, text);
        this.#hasWarned = false;
        continue;
      }
      if (!this.#hasWarned) this.#logger.warn({ reason: failure }, 'systemd could not be told how this program is');
      this.#hasWarned = true;
    }
    this.#telling = undefined;
  }

  /** Resolves with what went wrong. */
  #send(assignments: string[]): Promise<string | undefined> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    try {
      const child = spawn('systemd-notify', assignments, {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: this.#environment,
        timeout: TELL_TIMEOUT_MS,
        killSignal: 'SIGKILL',
      });
      let complaint = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        complaint = (complaint + text).slice(0, LONGEST_STATUS);
      });
      child.on('error', (error) => resolve(error.message));
      child.on('close', (code, signal) =>
        resolve(code === 0 ? undefined : complaint.trim() || `systemd-notify ended with ${code ?? signal}`),
      );
      child.unref();
      if (child.stderr instanceof Socket) child.stderr.unref();
    } catch (error) {
      resolve(String(error));
    }
    return promise;
  }
}

/** The watchdog is meant for the process that WATCHDOG_PID names, where it names one. */
function watchdogInterval({ WATCHDOG_USEC: usec = '', WATCHDOG_PID: pid }: NodeJS.ProcessEnv): number | undefined {
  if (!/^[1-9]\d{0,15}$/.test(usec) || (pid && Number(pid) !== process.pid)) return undefined;
  return Number(usec) / 1000 / 2;
}

/** A line break would begin another assignment. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ').slice(0, LONGEST_STATUS);
}

function silentNotifier(): Notifier {
  const nothing = () => undefined;
  return {
    ready: nothing,
    status: nothing,
    alive: nothing,
    stopping: nothing,
    watchdogIntervalMs: undefined,
    settled: () => Promise.resolve(),
  };
}
