// A real browser for the tests of the dashboard: Debian's Chromium, one for each test file. A page that a test has opened must end
// without an error in its console, a request that failed, or one that left its origin.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before } from 'node:test';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { PATIENCE_MS } from './until.ts';

const CHROMIUM = '/usr/bin/chromium';

export type Scheme = 'light' | 'dark';
export interface Size {
  width: number;
  height: number;
}

export const LAPTOP: Size = { width: 1280, height: 800 };
export const PHONE: Size = { width: 390, height: 844 };
/** The narrowest that pages are made for. */
export const NARROWEST: Size = { width: 360, height: 740 };

export interface Visit {
  /** The receiver's, `http://127.0.0.1:1234`. */
  origin: string;
  /** The session's cookie, for one who has logged in before. */
  session?: string | undefined;
  size?: Size;
  scheme?: Scheme;
  /** Whether scripts run; they do by default. */
  scripts?: boolean;
  /** Faults that the test means to bring about. */
  brings?: RegExp;
}

export class TestBrowser {
  /** For the options of each test: why it is skipped, or false. */
  readonly skip: string | false;
  #browser: Browser | undefined;

  constructor() {
    this.skip = existsSync(CHROMIUM) ? false : `needs ${CHROMIUM}: apt-get install chromium`;
    if (this.skip !== false && process.env['CI']) throw new Error(this.skip);
  }

  async start(): Promise<void> {
    if (this.skip !== false) return;
    this.#browser = await chromium.launch({
      timeout: PATIENCE_MS,
      executablePath: CHROMIUM,
      // Chromium's own sandbox does not run as root.
      chromiumSandbox: process.getuid?.() !== 0,
    });
  }

  async stop(): Promise<void> {
    await this.#browser?.close();
  }

  /** A window of its own, without anything of those before; fails for each fault that the visit does not bring about. */
  async visit(visit: Visit, act: (page: Page, context: BrowserContext) => Promise<void>): Promise<void> {
    const { origin, session, size = LAPTOP, scheme = 'light', scripts = true, brings } = visit;
    if (!this.#browser) throw new Error('the browser is not started');
    const context = await this.#browser.newContext({
      viewport: size,
      colorScheme: scheme,
      javaScriptEnabled: scripts,
      locale: 'en-GB',
      timezoneId: 'Europe/Berlin',
      reducedMotion: 'reduce',
    });
    try {
      context.setDefaultTimeout(PATIENCE_MS);
      if (session !== undefined) await context.addCookies([cookieOf(origin, session)]);
      const faults = listenForFaults(context, origin);
      await act(await context.newPage(), context);
      assert.deepEqual(
        faults.filter((fault) => !brings?.test(fault)),
        [],
      );
    } finally {
      await context.close();
    }
  }
}

/** Started before the file's tests and ended after them. */
export function useBrowser(): TestBrowser {
  const browser = new TestBrowser();
  before(() => browser.start());
  after(() => browser.stop());
  return browser;
}

function cookieOf(origin: string, session: string) {
  return { name: 'cis490_session', value: session, url: origin, httpOnly: true, sameSite: 'Lax' as const };
}

/** One text for each; the list grows while the window is open. */
function listenForFaults(context: BrowserContext, origin: string): string[] {
  const faults: string[] = [];
  context.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()))
      faults.push(`console: ${message.text()} (${message.location().url})`);
  });
  context.on('weberror', (error) => faults.push(`error: ${error.error().stack ?? error.error().message}`));
  context.on('requestfailed', (request) => {
    const why = request.failure()?.errorText ?? 'no reason';
    // The page was left, or has no more use for it.
    if (why !== 'net::ERR_ABORTED') faults.push(`failed: ${request.method()} ${request.url()} (${why})`);
  });
  context.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && url !== 'about:blank') faults.push(`left the origin: ${url}`);
  });
  return faults;
}
