// An open page follows what happens, without being loaded anew; and says when it no longer does. How long a change took is reported and
// not judged: the machine's load decides it.

import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { useBrowser } from '../../support/browser.ts';
import { DashboardFleet } from '../../support/dashboard-fleet.ts';
import { Program } from '../../support/program.ts';
import { isLive, open } from './look-at.ts';
import { commitAt, Past } from './planted/past.ts';
import { HEAD, REFUSED, SILENT, threeHosts, WELL } from './planted/three-hosts.ts';

const browser = useBrowser();
let dashboard: DashboardFleet;

before(async () => {
  if (browser.skip === false) dashboard = await DashboardFleet.start(await threeHosts());
});
after(() => dashboard?.end());

/** Does `act`, and waits until the page shows what came of it, still the same page. */
async function changes(t: TestContext, page: Page, act: () => Promise<unknown>, shown: Locator): Promise<void> {
  await page.evaluate('window.isStillHere = true');
  await act();
  const began = performance.now();
  await shown.first().waitFor();
  t.diagnostic(`shown after ${Math.round(performance.now() - began)} ms`);
  assert.equal(await page.evaluate('window.isStillHere'), true, 'the page was not loaded anew');
}

const rowOf = (page: Page, host: string) => page.locator(`[data-key="${host}"]`);

async function heartbeat(hostId: string, body: Record<string, unknown>): Promise<void> {
  await dashboard.ask('POST', '/v1/heartbeat', new Past().heartbeat(hostId, 0, body).body);
}

describe('the fleet', () => {
  test('a host that stores for the first time, a heartbeat, an alert', { skip: browser.skip }, async (t) => {
    const { origin } = dashboard;
    await browser.visit({ origin, session: await dashboard.session('reader') }, async (page) => {
      await open(page, `${origin}/`);
      await changes(t, page, () => dashboard.put('lab-new', 'first', 'x', HEAD), rowOf(page, 'lab-new'));
      const held = { held: { count: 12, code: 'credential-invalid' } };
      const refused = rowOf(page, 'lab-new').getByText('refused', { exact: true });
      await changes(t, page, () => heartbeat('lab-new', held), refused);
      const silent = rowOf(page, SILENT).locator('td').last().getByText('silent');
      await changes(t, page, () => dashboard.runMonitor(), silent);
    });
  });

  test('what is typed, focused and chosen stays', { skip: browser.skip }, async () => {
    const { origin } = dashboard;
    await browser.visit({ origin, session: await dashboard.session('reader') }, async (page) => {
      await open(page, `${origin}/`);
      const search = page.getByRole('searchbox').first();
      await search.fill('lab-0');
      await page.waitForURL(/q=lab-0/);
      await rowOf(page, 'lab-new').waitFor({ state: 'detached' });
      await dashboard.put('lab-07', 'first', 'x', HEAD);
      await rowOf(page, 'lab-07').waitFor();
      assert.equal(await search.inputValue(), 'lab-0');
      assert.equal(await search.and(page.locator(':focus')).count(), 1);
    });
  });
});

test('a host’s page, the alerts, the data set and the gate follow, too', { skip: browser.skip }, async (t) => {
  const { origin } = dashboard;
  const session = await dashboard.session('admin');
  await browser.visit({ origin, session }, async (page) => {
    await open(page, `${origin}/hosts/${WELL}`);
    await changes(t, page, () => dashboard.put(WELL, 'seen-live', 'x', HEAD), page.getByText('seen-live'));
  });
  await browser.visit({ origin, session }, async (page) => {
    await open(page, `${origin}/alerts`);
    await dashboard.runMonitor();
    const { alerts } = (await dashboard.ask('GET', `/v1/alerts?state=firing&host=${REFUSED}`)).json as {
      alerts: { id: string; symptom: string }[];
    };
    const [alert] = alerts;
    assert.ok(alert);
    const entry = page.locator(`#alert-${alert.id}`);
    await entry.waitFor();
    await dashboard.ask('POST', `/v1/alerts/${alert.id}/acknowledge`, { reason: 'I am on it' });
    await entry.waitFor({ state: 'detached' });
  });
  await browser.visit({ origin, session }, async (page) => {
    await open(page, `${origin}/data`);
    await changes(t, page, () => dashboard.put(WELL, 'seen-in-data', 'x', HEAD), page.getByText('seen-in-data'));
  });
  await browser.visit({ origin, session }, async (page) => {
    await open(page, `${origin}/gate`);
    const block = async () => {
      const config = ['--config', dashboard.fleet.receiverConfig];
      const blocking = Program.cis490(['gate', 'block', commitAt(5), '--why', 'it tears frames', ...config]);
      assert.equal((await blocking.ended).code, 0, blocking.stderr);
    };
    await changes(t, page, block, page.getByText('it tears frames'));
  });
});

describe('a receiver that goes away', () => {
  // Its own words for a server that is not there.
  const brings = /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/;

  test('with no login: the sign says so, and then that it is live again', { skip: browser.skip }, async () => {
    const open_ = await DashboardFleet.start(await threeHosts(), { isOpen: true });
    try {
      const { origin } = open_;
      await browser.visit({ origin, brings }, async (page) => {
        await open(page, `${origin}/`);
        await open_.stopReceiver();
        await page.locator('#live[data-state="lost"]').waitFor();
        assert.match(await page.locator('#live').innerText(), /not live/);
        await open_.startReceiver();
        await isLive(page).waitFor();
        await open_.put('lab-new', 'after', 'x', HEAD);
        await rowOf(page, 'lab-new').waitFor();
      });
    } finally {
      await open_.end();
    }
  });

  test('with a login: its restart has ended the session, and the login page comes by itself', {
    skip: browser.skip,
  }, async () => {
    const { origin } = dashboard;
    const session = await dashboard.newSession('reader');
    const refused = new RegExp(`${brings.source}|status of 401`);
    await browser.visit({ origin, session, brings: refused }, async (page) => {
      await open(page, `${origin}/gate`);
      await dashboard.stopReceiver();
      await dashboard.startReceiver();
      await page.waitForURL(/\/login\?next=%2Fgate$/);
      await page.getByLabel('Token').waitFor();
    });
  });
});
