// Without scripts every page is whole: its figures stand in it, its filters and forms are sent by their buttons, and nothing is offered that
// would need a script.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { useBrowser } from '../../support/browser.ts';
import { DashboardFleet } from '../../support/dashboard-fleet.ts';
import { open } from './look-at.ts';
import { REFUSED, SILENT, threeHosts, WELL } from './planted/three-hosts.ts';

const browser = useBrowser();
let dashboard: DashboardFleet;
let telemetry = '';

before(async () => {
  if (browser.skip !== false) return;
  const history = await threeHosts();
  telemetry = history.telemetry;
  dashboard = await DashboardFleet.start(history);
  await dashboard.runMonitor();
});
after(() => dashboard?.end());

async function visit(act: (page: Page, origin: string) => Promise<void>): Promise<void> {
  const { origin } = dashboard;
  // A form that comes back with a mistake is answered so.
  const brings = /status of 400/;
  await browser.visit({ origin, session: await dashboard.session('admin'), scripts: false, brings }, (page) =>
    act(page, origin),
  );
}

describe('is readable', () => {
  const pages: [path: string, says: RegExp[]][] = [
    ['/', [/lab-01/, /lab-02/, /lab-03/, /silent/, /refused/]],
    [`/hosts/${REFUSED}`, [/refused/, /commit-not-in-window/, /VERSION is 88 commits behind/, /cis490/]],
    ['/alerts', [/critical/, /lab-02/, /ssh lab-02/]],
    ['/alerts?show=history', [/its clock is 4 min behind/]],
    ['/alerts?show=silenced', [/its disk is copied this week/]],
    ['/data', [/lab-01/, /cis490 export/]],
    [`/data/${WELL}/EPISODE`, [/telemetry\.csv/, /"workload": "telemetry"/, /sha256/]],
    ['/gate', [/it wrote the temperature/, /the calibration run of May/, /42/]],
  ];
  for (const [path, says] of pages) {
    test(path, { skip: browser.skip }, () =>
      visit(async (page, origin) => {
        const answer = await page.goto(origin + path.replace('EPISODE', telemetry));
        assert.equal(answer?.status(), 200);
        const text = await page.locator('body').innerText();
        for (const pattern of says) assert.match(text, pattern);
        assert.equal(
          await page.locator('[data-copy]:visible, #live:visible').count(),
          0,
          'nothing that needs a script',
        );
      }),
    );
  }

  test('a chart is there as a table', { skip: browser.skip }, () =>
    visit(async (page, origin) => {
      await page.goto(`${origin}/data/${WELL}/${telemetry}`);
      const chart = page.locator('figure[data-chart]').first();
      await chart.locator('summary').click();
      assert.ok((await chart.locator('tbody tr').count()) > 10);
    }),
  );
});

describe('works', () => {
  test('the fleet is searched, narrowed and ordered', { skip: browser.skip }, () =>
    visit(async (page, origin) => {
      await open(page, `${origin}/`);
      const hosts = async () => {
        const rows = await page.locator('[data-live="hosts"] [data-key]').all();
        return await Promise.all(rows.map((row) => row.getAttribute('data-key')));
      };
      await page.getByRole('searchbox').fill(SILENT);
      await page.getByRole('button', { name: 'Show' }).click();
      await page.waitForURL(/q=lab-02/);
      assert.deepEqual(await hosts(), [SILENT]);
      await page.goto(`${origin}/`);
      await page
        .getByRole('navigation', { name: 'States' })
        .getByRole('link', { name: /refused/ })
        .click();
      assert.deepEqual(await hosts(), [REFUSED]);
      await page.goto(`${origin}/`);
      await page.getByRole('combobox', { name: 'Order' }).selectOption({ index: 1 });
      await page.getByRole('button', { name: 'Show' }).click();
      await page.waitForURL(/sort=./);
      assert.equal((await hosts()).length, 3);
    }),
  );

  test('an alert is acknowledged, with a mistake first', { skip: browser.skip }, () =>
    visit(async (page, origin) => {
      await open(page, `${origin}/alerts?host=${SILENT}`);
      await page.getByRole('link', { name: `Acknowledge silent on ${SILENT}` }).click();
      const reason = page.getByLabel('Reason');
      await reason.fill('   ');
      await page.getByRole('button', { name: 'Acknowledge' }).click();
      await page.getByRole('alert').waitFor();
      await reason.fill('I drive there tomorrow');
      await page.getByRole('button', { name: 'Acknowledge' }).click();
      await page.waitForURL(/\/alerts/);
      await open(page, `${origin}/alerts?show=acknowledged`);
      assert.match(await page.locator('main').innerText(), /I drive there tomorrow/);
      await open(page, `${origin}/alerts`);
      assert.equal(await page.getByRole('link', { name: `Acknowledge silent on ${SILENT}` }).count(), 0);
    }).then(async () => {
      const { alerts } = (await dashboard.ask('GET', `/v1/alerts?host=${SILENT}&state=firing`)).json as {
        alerts: { symptom: string; acknowledged: { reason: string } | null }[];
      };
      assert.equal(alerts.find(({ symptom }) => symptom === 'silent')?.acknowledged?.reason, 'I drive there tomorrow');
    }),
  );

  test('a host is silenced, and the silence ended', { skip: browser.skip }, () =>
    visit(async (page, origin) => {
      const silences = async () =>
        (
          (await dashboard.ask('GET', '/v1/silences')).json['silences'] as {
            host: string;
            reason: string;
            active: boolean;
          }[]
        )
          .filter(({ reason }) => reason === 'moves to another rack')
          .map(({ host, active }) => [host, active]);
      await open(page, `${origin}/alerts`);
      await page.getByRole('link', { name: 'Silence…' }).click();
      await page.getByRole('button', { name: 'Silence' }).waitFor();
      await page.getByLabel('Host', { exact: true }).last().fill('');
      await page.locator('#silence-host').fill(REFUSED);
      await page.getByLabel('Reason').fill('moves to another rack');
      await page.locator('#silence-for').selectOption('1 day');
      await page.getByRole('button', { name: 'Silence' }).click();
      await page.waitForURL(/\/alerts/);
      assert.deepEqual(await silences(), [[REFUSED, true]]);
      await open(page, `${origin}/alerts?show=silenced`);
      const row = page.getByRole('row', { name: /moves to another rack/ });
      await row.getByRole('button', { name: /End now/ }).click();
      await page
        .getByRole('row', { name: /moves to another rack/ })
        .getByText('ended')
        .waitFor();
      assert.deepEqual(await silences(), [[REFUSED, false]]);
    }),
  );

  test('episodes are found by host, and one by its name', { skip: browser.skip }, () =>
    visit(async (page, origin) => {
      await open(page, `${origin}/data`);
      await page.getByRole('combobox', { name: 'Host' }).or(page.getByLabel('Host')).first().fill(WELL);
      await page.getByRole('button', { name: 'Find' }).click();
      await page.waitForURL(/host=lab-01/);
      await page.getByLabel('Episode, by its name').fill(telemetry);
      await page.getByRole('button', { name: 'Find' }).click();
      await page.waitForURL(`${origin}/data/${WELL}/${telemetry}`);
    }),
  );
});
