// What a host, a recorder or a person wrote is shown as text and never runs: in every page, at every address, and after a live update.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { useBrowser } from '../../support/browser.ts';
import { DashboardFleet } from '../../support/dashboard-fleet.ts';
import { open } from './look-at.ts';
import {
  EVIL,
  EVIL_EPISODE,
  EVIL_TELEMETRY,
  GONE,
  HOSTILE,
  HOSTILE_LINE,
  hostileFleet,
  IMAGE,
  RETRACTED,
} from './planted/hostile.ts';
import { HEAD } from './planted/three-hosts.ts';

const browser = useBrowser();
let dashboard: DashboardFleet;

before(async () => {
  if (browser.skip !== false) return;
  dashboard = await DashboardFleet.start(await hostileFleet());
  const { alerts } = (await dashboard.ask('GET', '/v1/alerts?state=firing')).json as {
    alerts: { id: string; host: string }[];
  };
  const ofTheFleet = alerts.find(({ host }) => host === '*');
  await dashboard.ask('POST', `/v1/alerts/${ofTheFleet?.id}/acknowledge`, { reason: HOSTILE_LINE });
  await dashboard.ask('POST', '/v1/silences', { host: EVIL, symptom: 'backlog', reason: HOSTILE_LINE, for: '2h' });
});
after(() => dashboard?.end());

const asked = encodeURIComponent(HOSTILE);

/** `shows`: whether a hostile text belongs there, and is to be read. */
const PAGES: [path: string, shows: boolean][] = [
  ['/', false],
  [`/?q=${asked}&state=${asked}&sort=${asked}`, true],
  [`/hosts/${EVIL}`, true],
  [`/hosts/${GONE}`, true],
  ['/alerts', true],
  ['/alerts?show=acknowledged', true],
  ['/alerts?show=silenced', true],
  ['/alerts?show=history', true],
  [`/alerts?show=${asked}&host=${asked}`, false],
  ['/data', false],
  [`/data?host=${asked}&commit=${asked}&since=${asked}&until=${asked}&episode=${asked}`, true],
  [`/data/${EVIL}/${EVIL_EPISODE}`, true],
  [`/data/${EVIL}/${EVIL_TELEMETRY}`, true],
  [`/data/${EVIL}/${RETRACTED}`, true],
  ['/gate', true],
];

// Whatever stands there: our own scripts from our own origin, data that is no script, and no handler in any tag.
const FOUND = `({
  ran: window.pwned,
  handlers: [...document.querySelectorAll('*')].filter((element) => element.getAttributeNames().some((name) => name.startsWith('on'))).length,
  scripts: [...document.scripts].filter(({ type, src }) => type !== 'application/json' && !src.startsWith(location.origin + '/assets/')).length,
  links: [...document.querySelectorAll('[href], [src], [action]')].map((element) => element.href || element.src || element.action).filter((url) => typeof url === 'string' && !url.startsWith(location.origin)),
  images: [...document.images].map(({ src }) => src).filter((src) => !src.startsWith(location.origin + '/assets/')),
  bidi: /[\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]/.test(document.body.innerText),
  commands: [...document.querySelectorAll('.command pre')].map((pre) => pre.textContent).filter((text) => /pwned|evil\\.example/.test(text)),
})`;
const NOTHING = { ran: undefined, handlers: 0, scripts: 0, links: [], images: [], bidi: false, commands: [] };

async function isInert(page: Page, path: string): Promise<void> {
  assert.deepEqual(await page.evaluate(FOUND), NOTHING, path);
}

for (const [path, shows] of PAGES) {
  test(path.replaceAll(asked, 'HOSTILE'), { skip: browser.skip }, async () => {
    const { origin } = dashboard;
    await browser.visit({ origin, session: await dashboard.session('admin') }, async (page) => {
      await open(page, origin + path);
      // What is folded away is looked at, too.
      await page.evaluate(`for (const details of document.querySelectorAll('details')) details.open = true`);
      await isInert(page, path);
      if (shows) assert.ok((await textOf(page)).includes(IMAGE), 'it is shown');
    });
  });
}

/** What is to be read, also in fields. */
async function textOf(page: Page): Promise<string> {
  return await page.evaluate(
    `[document.body.innerText, ...[...document.querySelectorAll('input')].map(({ value }) => value)].join('\\n')`,
  );
}

test('paths that are none', { skip: browser.skip }, async () => {
  const { origin } = dashboard;
  await browser.visit(
    { origin, session: await dashboard.session('admin'), brings: /status of 40[04]/ },
    async (page) => {
      for (const path of [
        `/hosts/${asked}`,
        `/data/${asked}/${asked}`,
        `/data/${EVIL}/${asked}`,
        `/login?next=${asked}`,
        `/login?next=//evil.example/`,
        `/${asked}`,
      ]) {
        await page.goto(origin + path);
        await isInert(page, path);
        assert.ok(page.url().startsWith(`${origin}/`));
      }
    },
  );
});

test('what comes in live is as inert', { skip: browser.skip }, async () => {
  const { origin } = dashboard;
  await browser.visit({ origin, session: await dashboard.session('admin') }, async (page) => {
    await open(page, `${origin}/hosts/${EVIL}`);
    const summary = `new ${HOSTILE}`;
    const checks = [{ id: 'clock', status: 'red', summary }];
    const report = {
      schema_version: 1,
      role: 'lab-host',
      host_id: EVIL,
      status: 'red',
      commit: HEAD,
      checks,
      generated_at_wall: '',
    };
    await dashboard.ask('PUT', `/v1/host-health/${EVIL}`, report);
    await page.getByText(`new ${IMAGE}`).first().waitFor();
    await isInert(page, 'after an update');
  });
});

test('a form that is filled in badly gives back what was typed, as text', { skip: browser.skip }, async () => {
  const { origin } = dashboard;
  await browser.visit({ origin, session: await dashboard.session('admin'), brings: /status of 400/ }, async (page) => {
    await open(page, `${origin}/alerts`);
    const fields = { host: HOSTILE, symptom: HOSTILE, reason: HOSTILE_LINE, for: HOSTILE, back: HOSTILE };
    await page.evaluate(postForm('/silences', fields));
    await page.locator('[aria-invalid="true"]').first().waitFor();
    assert.equal(page.url(), `${origin}/silences`);
    assert.ok((await textOf(page)).includes(IMAGE), 'what was typed is kept');
    await isInert(page, 'the form');
  });
});

/** As a form of the page would send them. */
function postForm(action: string, fields: Record<string, string>): string {
  return `{
    const form = Object.assign(document.createElement('form'), { method: 'post', action: ${JSON.stringify(action)} });
    for (const [name, value] of Object.entries(${JSON.stringify(fields)})) {
      form.append(Object.assign(document.createElement('input'), { name, value }));
    }
    document.body.append(form);
    form.submit();
  }`;
}
