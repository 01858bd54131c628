// The pictures of the documentation, taken from the real page. They are written into docs/screenshots by `npm run screenshots`; otherwise
// the test only holds that one of each page can be taken.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { LAPTOP, PHONE, type Scheme, type Size, useBrowser } from '../../support/browser.ts';
import { DashboardFleet } from '../../support/dashboard-fleet.ts';
import { open } from './look-at.ts';
import { thousandHosts } from './planted/thousand-hosts.ts';
import { REFUSED, threeHosts, WELL } from './planted/three-hosts.ts';

const DIRECTORY = process.env['CIS490_SCREENSHOTS'];
const LARGEST_BYTES = 200 * 1024;
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47]);
const TALL: Size = { width: 1280, height: 1100 };

interface Shot {
  name: string;
  path: string;
  size?: Size;
  scheme?: Scheme;
  isLoggedOut?: boolean;
  /** What the top of the picture shows; else the top of the page. */
  from?: string;
}

const browser = useBrowser();

function takeAll(
  start: () => Promise<{ dashboard: DashboardFleet; episodeId?: string }>,
  shots: readonly Shot[],
): void {
  let dashboard: DashboardFleet;
  let episode = '';
  before(async () => {
    if (browser.skip === false) ({ dashboard, episodeId: episode = '' } = await start());
  });
  after(() => dashboard?.end());
  const taken =
    DIRECTORY === undefined ? shots.filter(({ size, scheme }) => size !== PHONE && scheme !== 'dark') : shots;
  for (const { name, path, size = LAPTOP, scheme = 'light', isLoggedOut = false, from } of taken) {
    test(name, { skip: browser.skip }, async (t) => {
      const { origin } = dashboard;
      const session = isLoggedOut ? undefined : await dashboard.session('admin');
      await browser.visit({ origin, session, size, scheme }, async (page) => {
        await open(page, origin + path.replace('EPISODE', episode));
        if (from !== undefined) await page.evaluate(`document.querySelector(${JSON.stringify(from)}).scrollIntoView()`);
        const picture = await page.screenshot({ animations: 'disabled', caret: 'hide' });
        assert.deepEqual(picture.subarray(0, PNG.length), PNG);
        if (picture.length > LARGEST_BYTES) t.diagnostic(`${name}.png has ${picture.length} bytes`);
        if (DIRECTORY !== undefined) writeFileSync(join(DIRECTORY, `${name}.png`), picture);
      });
    });
  }
}

describe('three hosts', () => {
  const start = async () => {
    const history = await threeHosts();
    const dashboard = await DashboardFleet.start(history);
    await dashboard.runMonitor();
    return { dashboard, episodeId: history.telemetry };
  };
  const episode = `/data/${WELL}/EPISODE`;
  takeAll(start, [
    { name: 'login', path: '/login', isLoggedOut: true },
    { name: 'fleet', path: '/', size: TALL },
    { name: 'fleet-dark', path: '/', size: TALL, scheme: 'dark' },
    { name: 'fleet-phone', path: '/', size: PHONE },
    { name: 'host', path: `/hosts/${REFUSED}`, size: TALL },
    { name: 'host-dark', path: `/hosts/${WELL}`, size: TALL, scheme: 'dark' },
    { name: 'host-phone', path: `/hosts/${REFUSED}`, size: PHONE },
    { name: 'alerts', path: '/alerts', size: TALL },
    { name: 'alerts-phone', path: '/alerts', size: PHONE },
    { name: 'data-set', path: '/data', size: TALL },
    { name: 'data-set-phone', path: '/data', size: PHONE },
    { name: 'episode', path: episode, size: TALL },
    { name: 'episode-charts', path: episode, size: TALL, scheme: 'dark', from: 'figure[data-chart]' },
    { name: 'gate', path: '/gate', size: TALL },
    { name: 'gate-phone', path: '/gate', size: PHONE, scheme: 'dark' },
  ]);
});

describe('a thousand hosts', { skip: DIRECTORY === undefined && 'only for the pictures' }, () => {
  takeAll(
    async () => ({ dashboard: await DashboardFleet.start(thousandHosts()) }),
    [
      { name: 'fleet-1000', path: '/', size: TALL },
      { name: 'fleet-1000-dark', path: '/', size: TALL, scheme: 'dark' },
      { name: 'fleet-1000-phone', path: '/', size: PHONE },
      { name: 'alerts-1000', path: '/alerts', size: TALL },
    ],
  );
});
