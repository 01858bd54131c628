// Each page of the dashboard, with three hosts, with a thousand and with none, light and dark, on a laptop and on a phone: it opens
// without an error, axe finds nothing serious in it, nothing sticks out of it, and nothing leaves its origin.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { LAPTOP, NARROWEST, PHONE, type Scheme, type Size, useBrowser } from '../../support/browser.ts';
import { DashboardFleet, type History } from '../../support/dashboard-fleet.ts';
import { judge, open, sticksOut } from './look-at.ts';
import { findEach, hostOf, oneOfEach } from './planted/one-of-each.ts';
import { GATE_KEYS } from './planted/past.ts';
import { thousandHosts } from './planted/thousand-hosts.ts';
import { REFUSED, SILENT, threeHosts, WELL } from './planted/three-hosts.ts';

const LOOKS: [Scheme, Size][] = [
  ['light', LAPTOP],
  ['dark', LAPTOP],
  ['dark', PHONE],
  ['light', PHONE],
];
// Where the same parts have been looked at in each of the four: each scheme and each width once.
const TWO_LOOKS = LOOKS.filter(([scheme, size]) => (scheme === 'dark') === (size === PHONE));
const EVERYWHERE = ['/', '/alerts', '/data', '/gate'];

const browser = useBrowser();

interface Population {
  history: () => History | Promise<History>;
  /** Beside those that there always are. */
  pages: string[];
  looks?: [Scheme, Size][];
  ripen?: (dashboard: DashboardFleet) => Promise<unknown>;
}

// Its id is not known before it was recorded.
let telemetry = '';

const POPULATIONS: Record<string, Population> = {
  'three hosts': {
    history: async () => {
      const history = await threeHosts();
      telemetry = history.telemetry;
      return history;
    },
    pages: [
      '/?q=nobody',
      `/hosts/${WELL}`,
      `/hosts/${REFUSED}`,
      ...['acknowledged', 'silenced', 'history'].map((tab) => `/alerts?show=${tab}`),
      `/alerts?silence=new&host=${SILENT}`,
      `/data?host=${WELL}`,
      `/data/${WELL}/EPISODE`,
    ],
    ripen: (dashboard) => dashboard.runMonitor(),
  },
  'a thousand hosts': { history: thousandHosts, pages: ['/hosts/lab-0003'], looks: TWO_LOOKS },
  'a host for each symptom': {
    history: oneOfEach,
    pages: [`/hosts/${hostOf('unhealthy')}`],
    ripen: findEach,
  },
  nobody: { history: () => ({ keys: GATE_KEYS, rows: [] }), pages: [], looks: TWO_LOOKS },
};

for (const [name, { history, pages, ripen, looks = LOOKS }] of Object.entries(POPULATIONS)) {
  describe(name, { concurrency: 2 }, () => {
    let dashboard: DashboardFleet;
    before(async () => {
      if (browser.skip !== false) return;
      dashboard = await DashboardFleet.start(await history());
      await ripen?.(dashboard);
    });
    after(() => dashboard?.end());

    for (const path of [...EVERYWHERE, ...pages]) {
      test(path, { skip: browser.skip }, async (t) => {
        const { origin } = dashboard;
        const session = await dashboard.session('admin');
        await browser.visit({ origin, session }, async (page) => {
          await open(page, origin + path.replace('EPISODE', telemetry));
          for (const [colorScheme, size] of looks) {
            await page.setViewportSize(size);
            await page.emulateMedia({ colorScheme });
            const { grave, light } = await judge(page);
            for (const line of light) t.diagnostic(`${colorScheme} ${size.width}: ${line}`);
            assert.deepEqual(grave, [], `${colorScheme} ${size.width}`);
            assert.deepEqual(await sticksOut(page), [], `${size.width} wide`);
          }
          await page.setViewportSize(NARROWEST);
          assert.deepEqual(await sticksOut(page), [], `${NARROWEST.width} wide`);
        });
      });
    }
  });
}

describe('before anybody has logged in, and what is not there', () => {
  let dashboard: DashboardFleet;
  before(async () => {
    if (browser.skip === false) dashboard = await DashboardFleet.start({ keys: GATE_KEYS, rows: [] });
  });
  after(() => dashboard?.end());

  const cases: [path: string, role: 'admin' | undefined, status: number][] = [
    ['/login', undefined, 200],
    ['/hosts/nobody', 'admin', 404],
    ['/data/nobody/nothing', 'admin', 404],
  ];
  for (const [path, role, status] of cases) {
    test(`${path}: ${status}`, { skip: browser.skip }, async () => {
      const { origin } = dashboard;
      const session = role && (await dashboard.session(role));
      await browser.visit({ origin, session, brings: new RegExp(`status of ${status}`) }, async (page) => {
        await open(page, origin + path, status);
        for (const [colorScheme, size] of TWO_LOOKS) {
          await page.setViewportSize(size);
          await page.emulateMedia({ colorScheme });
          assert.deepEqual((await judge(page)).grave, []);
          assert.deepEqual(await sticksOut(page), []);
        }
      });
    });
  }
});
