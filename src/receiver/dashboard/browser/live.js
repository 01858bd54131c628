// Keeps a page up to date: listens to the receiver's events, and fetches what they concern. A receiver that is slow is asked less, one
// that does not answer less and less; a page that nobody sees asks nothing. What is shown says itself when it is no longer live.

import { takeIn, takeInRows } from './parts.js';

const TOPICS = ['hosts', 'stored', 'alerts', 'gate', 'tick'];
// Of the time that the last fetch took.
const PAUSE_PER_FETCH = 4;
const LEAST_PAUSE_MS = 500;
const AGAIN_MS = 5_000;
const LONGEST_AGAIN_MS = 60_000;
const PATIENCE_MS = 30_000;
// The receiver tells each minute that it has passed: what is silent for longer has been cut off, whatever the browser believes.
const SILENCE_MS = 100_000;
// Each stream takes one of the few connections that a browser makes to a receiver.
const HIDDEN_MS = 10_000;
// More are fetched with the whole page.
const MOST_ROWS = 60;

export function startLive() {
  if (document.querySelector('[data-again]')) setTimeout(reloadWhenReady, AGAIN_MS);
  const sign = document.getElementById('live');
  if (sign && !document.querySelector('[data-again]')) new LivePage(sign).start();
}

/** In place of an answer that was none: a reload that fails would leave nothing. */
async function reloadWhenReady() {
  try {
    const answer = await fetch(location.href, {
      headers: { Accept: 'text/html' },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (answer.status < 500) return location.reload();
  } catch {
    // Nobody answers yet.
  }
  setTimeout(reloadWhenReady, AGAIN_MS);
  return undefined;
}

class LivePage {
  #sign;
  /** @type {EventSource | undefined} */
  #events;
  /** What is out of date: nothing, some rows, or all. @type {'nothing' | 'rows' | 'whole'} */
  #stale = /** @type {'nothing' | 'rows' | 'whole'} */ ('nothing');
  /** @type {Set<string>} */
  #rows = new Set();
  #isFetching = false;
  #notBeforeMs = 0;
  #failures = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #fetchTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #silenceTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #hiddenTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #openTimer;

  /** @param {HTMLElement} sign */
  constructor(sign) {
    this.#sign = sign;
  }

  start() {
    this.#sign.hidden = false;
    addEventListener('cis490:filter', () => {
      if (this.#failures === 0) this.#notBeforeMs = 0;
      this.#becomes('whole');
    });
    document.addEventListener('visibilitychange', () => this.#seenOrNot());
    addEventListener('pageshow', (event) => {
      if (event.persisted) this.#open();
    });
    addEventListener('pagehide', () => this.#close());
    this.#open();
  }

  #open() {
    this.#close();
    this.#say('connecting');
    const events = new EventSource('/v1/events');
    this.#events = events;
    events.addEventListener('open', () => {
      this.#heard();
      this.#say('live');
      // What happened since the page was made, or while nobody listened.
      this.#becomes('whole');
    });
    events.addEventListener('error', () => {
      this.#say('lost');
      // Closed: the answer was no stream, because the session has ended, too many listen, or the receiver starts. Fetching tells.
      if (events.readyState === EventSource.CLOSED) this.#openAgain();
    });
    for (const topic of TOPICS) events.addEventListener(topic, (event) => this.#told(topic, event.data));
    this.#heard();
  }

  #close() {
    this.#events?.close();
    this.#events = undefined;
    clearTimeout(this.#silenceTimer);
    clearTimeout(this.#openTimer);
  }

  #openAgain() {
    this.#close();
    this.#failures += 1;
    this.#becomes('whole');
    this.#openTimer = setTimeout(() => this.#open(), this.#againMs());
  }

  #seenOrNot() {
    clearTimeout(this.#hiddenTimer);
    if (document.hidden) {
      this.#hiddenTimer = setTimeout(() => this.#close(), HIDDEN_MS);
      return;
    }
    if (!this.#events) this.#open();
    else this.#schedule();
  }

  #heard() {
    clearTimeout(this.#silenceTimer);
    this.#silenceTimer = setTimeout(() => {
      this.#say('lost');
      this.#openAgain();
    }, SILENCE_MS);
  }

  /**
   * @param {string} topic
   * @param {string} data
   */
  #told(topic, data) {
    this.#heard();
    if (!(this.#sign.dataset['topics'] ?? '').split(' ').includes(topic)) return;
    const hosts = hostsIn(data);
    const only = document.querySelector('[data-only-host]')?.getAttribute('data-only-host');
    if (hosts && only && !hosts.includes(only)) return;
    if (!hosts || topic !== 'hosts' || !document.querySelector('[data-rows]')) return this.#becomes('whole');
    for (const host of hosts) this.#rows.add(host);
    return this.#becomes(this.#rows.size > MOST_ROWS ? 'whole' : 'rows');
  }

  /** @param {'rows' | 'whole'} what */
  #becomes(what) {
    if (this.#stale !== 'whole') this.#stale = what;
    this.#schedule();
  }

  #schedule() {
    if (this.#stale === 'nothing' || this.#isFetching || document.hidden) return;
    clearTimeout(this.#fetchTimer);
    this.#fetchTimer = setTimeout(() => void this.#fetch(), Math.max(0, this.#notBeforeMs - performance.now()));
  }

  async #fetch() {
    if (this.#isFetching) return;
    this.#isFetching = true;
    const rows = this.#stale === 'rows' ? [...this.#rows] : [];
    this.#stale = 'nothing';
    this.#rows.clear();
    const beganMs = performance.now();
    try {
      const isStill = await this.#take(rows);
      if (this.#events?.readyState === EventSource.OPEN) {
        this.#failures = 0;
        this.#say('live');
      }
      this.#notBeforeMs = performance.now() + Math.max(LEAST_PAUSE_MS, PAUSE_PER_FETCH * (performance.now() - beganMs));
      if (!isStill) {
        this.#stale = 'whole';
        this.#notBeforeMs = 0;
      }
    } catch {
      this.#failures += 1;
      this.#stale = 'whole';
      this.#notBeforeMs = performance.now() + this.#againMs();
      this.#say('lost');
    } finally {
      this.#isFetching = false;
      this.#schedule();
    }
  }

  /**
   * False when the page must be fetched whole, or the reader has asked for something else meanwhile. Throws when there was no answer.
   * @param {readonly string[]} rows none: the page
   */
  async #take(rows) {
    const { href } = location;
    const answer = await fetch(rows.length > 0 ? rowsAddress(rows) : href, {
      headers: { Accept: 'text/html' },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    // To the login, which comes back here.
    if (answer.redirected) location.reload();
    if (answer.redirected || !answer.ok) throw new Error(`answered ${answer.status}`);
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
    if (href !== location.href) return false;
    if (rows.length > 0) return takeInRows(fresh, rows);
    takeIn(fresh);
    return true;
  }

  #againMs() {
    return Math.min(LONGEST_AGAIN_MS, AGAIN_MS * 2 ** Math.max(0, this.#failures - 1));
  }

  /** @param {'connecting' | 'live' | 'lost'} state */
  #say(state) {
    if (this.#sign.dataset['state'] === state) return;
    // What was live until now says since when it no longer is.
    if (state === 'connecting' && this.#sign.dataset['state'] === 'lost') return;
    this.#sign.dataset['state'] = state;
    const now = new Date().toLocaleTimeString(undefined, { timeStyle: 'short' });
    this.#sign.textContent = { connecting: 'connecting', live: 'live', lost: `not live since ${now}` }[state];
  }
}

/** Undefined for too many to name, and for events that name none. @param {string} data @returns {string[] | undefined} */
function hostsIn(data) {
  const { hosts } = JSON.parse(data);
  return Array.isArray(hosts) ? hosts : undefined;
}

/** With the filter of the page: a row that it no longer shows goes. @param {readonly string[]} rows */
function rowsAddress(rows) {
  const query = new URLSearchParams(location.search);
  query.delete('host');
  for (const row of rows) query.append('host', row);
  const path = document.querySelector('[data-rows]')?.getAttribute('data-rows') ?? '';
  return `${path}?${query}`;
}
