// What has changed, told to whoever listens: at most twice a second for each listener, however much changes. What waits for a listener
// is one set of names for each topic and no queue: one that does not read costs no more than one that does.

import type { Clock } from '../../lib/clock.ts';

export const MOST_LISTENERS = 256;
const KEEP_ALIVE_MS = 15_000;
const LEAST_PAUSE_MS = 500;
const RETRY_MS = 2_000;
// More than these at once: whoever listens looks at all of them.
const MOST_NAMES = 2_000;

/**
 * `hosts`: what is known of these; `stored`: episodes of these hosts were stored or retracted; `alerts`: what fires, silences, retired
 * hosts, or the monitor ran; `gate`: its head, decisions about commits, roll-outs; `tick`: a minute has passed. The data is an object;
 * of `hosts` and `stored` it has `hosts`, ids, or null when they are too many to name.
 */
export type LiveTopic = 'hosts' | 'stored' | 'alerts' | 'gate' | 'tick';

/** Names are null when there are too many of them, and for topics that have none. */
type Waiting = Map<LiveTopic, Set<string> | null>;

interface Listener {
  waiting: Waiting;
  wake: () => void;
}

export class LiveEvents {
  readonly #clock: Clock;
  readonly #listeners = new Set<Listener>();
  readonly #beforeAlerts: (() => void)[] = [];
  #someone = Promise.withResolvers<void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  hostChanged(hostId: string): void {
    this.#tell('hosts', hostId);
  }

  allHostsChanged(): void {
    this.#tell('hosts', null);
  }

  stored(hostId: string): void {
    this.#tell('hosts', hostId);
    this.#tell('stored', hostId);
  }

  alertsChanged(): void {
    for (const forget of this.#beforeAlerts) forget();
    this.#tell('alerts', null);
  }

  gateChanged(): void {
    this.#tell('gate', null);
  }

  minutePassed(): void {
    this.#tell('tick', null);
  }

  /** For what remembers alerts: called before anybody hears that they have changed. */
  beforeAlerts(forget: () => void): void {
    this.#beforeAlerts.push(forget);
  }

  /** Resolves at once while somebody does, or when `stop` aborts. */
  async someoneListens(stop: AbortSignal): Promise<void> {
    if (stop.aborted || this.#listeners.size > 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    stop.addEventListener('abort', () => resolve(), { once: true });
    await Promise.race([this.#someone.promise, promise]);
  }

  /**
   * Text of the format of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), of what changes from now
   * on until `end`, with a comment when nothing does for a while. Undefined when MOST_LISTENERS listen already. `end` must abort at last.
   */
  listen(end: AbortSignal): AsyncGenerator<string> | undefined {
    if (this.#listeners.size >= MOST_LISTENERS) return undefined;
    const listener: Listener = { waiting: new Map(), wake: () => {} };
    // Not in the generator: one that is never begun is never ended either.
    const leave = () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#someone = Promise.withResolvers();
      listener.wake();
    };
    if (!end.aborted) {
      this.#listeners.add(listener);
      this.#someone.resolve();
      end.addEventListener('abort', leave, { once: true });
    }
    return this.#textFor(listener, end);
  }

  async *#textFor(listener: Listener, end: AbortSignal): AsyncGenerator<string> {
    yield `retry: ${RETRY_MS}\n\n`;
    while (!end.aborted) {
      if (listener.waiting.size === 0) await this.#change(listener);
      if (end.aborted) return;
      if (listener.waiting.size === 0) {
        yield ':\n\n';
        continue;
      }
      const { waiting } = listener;
      listener.waiting = new Map();
      yield formatEvents(waiting);
      await this.#clock.sleep(LEAST_PAUSE_MS, end);
    }
  }

  async #change(listener: Listener): Promise<void> {
    const woken = new AbortController();
    listener.wake = () => woken.abort();
    await this.#clock.sleep(KEEP_ALIVE_MS, woken.signal);
  }

  #tell(topic: LiveTopic, name: string | null): void {
    for (const { waiting, wake } of this.#listeners) {
      const names = waiting.has(topic) ? waiting.get(topic) : new Set<string>();
      if (name === null || !names || names.size >= MOST_NAMES) waiting.set(topic, null);
      else waiting.set(topic, names.add(name));
      wake();
    }
  }
}

function formatEvents(waiting: Waiting): string {
  return [...waiting].map(([topic, names]) => `event: ${topic}\ndata: ${dataOf(topic, names)}\n\n`).join('');
}

function dataOf(topic: LiveTopic, names: Set<string> | null): string {
  if (topic !== 'hosts' && topic !== 'stored') return '{}';
  return JSON.stringify({ hosts: names && [...names] });
}
