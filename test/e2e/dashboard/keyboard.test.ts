// By keyboard alone: past the navigation, to the filter, the forms and the commands; a command is copied as it stands.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { useBrowser } from '../../support/browser.ts';
import { DashboardFleet } from '../../support/dashboard-fleet.ts';
import { open } from './look-at.ts';
import { REFUSED, SILENT, threeHosts } from './planted/three-hosts.ts';

const MOST_TABS = 200;

const browser = useBrowser();
let dashboard: DashboardFleet;

before(async () => {
  if (browser.skip !== false) return;
  dashboard = await DashboardFleet.start(await threeHosts());
  await dashboard.runMonitor();
});
after(() => dashboard?.end());

interface Focused {
  tag: string;
  text: string;
  isOutlined: boolean;
}

const FOCUSED = `(() => {
  const element = document.activeElement;
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
  const text = (element.labels?.[0] ?? element).textContent.trim().replace(/\\s+/g, ' ').slice(0, 80);
  return { tag: element.localName, text, isOutlined: (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none' };
})()`;

async function tabTo(page: Page, wanted: (focused: Focused) => boolean): Promise<Focused> {
  const passed: string[] = [];
  for (let tabs = 0; tabs < MOST_TABS; tabs += 1) {
    await page.keyboard.press('Tab');
    const focused: Focused = await page.evaluate(FOCUSED);
    if (focused.tag !== 'body') assert.ok(focused.isOutlined, `the focus is seen on ${focused.tag} ${focused.text}`);
    if (wanted(focused)) return focused;
    passed.push(`${focused.tag} ${focused.text}`);
  }
  return assert.fail(`never reached; passed ${passed.join(' › ')}`);
}

test('the first stop is the way past the navigation', { skip: browser.skip }, async () => {
  const { origin } = dashboard;
  await browser.visit({ origin, session: await dashboard.session('reader') }, async (page) => {
    await open(page, `${origin}/`);
    const skip = await tabTo(page, () => true);
    assert.equal(skip.text, 'Skip to the content');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate('document.activeElement.id'), 'main');
    const next = await tabTo(page, () => true);
    assert.ok(!['Fleet', 'Alerts', 'Data set', 'Gate'].includes(next.text), next.text);
  });
});

test('the filter is reached, and narrows as it is typed', { skip: browser.skip }, async () => {
  const { origin } = dashboard;
  await browser.visit({ origin, session: await dashboard.session('reader') }, async (page) => {
    await open(page, `${origin}/`);
    await tabTo(page, ({ tag }) => tag === 'input');
    await page.keyboard.type(SILENT);
    await page.locator(`[data-key="${REFUSED}"]`).waitFor({ state: 'detached' });
    assert.equal(await page.locator(`[data-key="${SILENT}"]`).count(), 1);
    await tabTo(page, ({ tag, text }) => tag === 'a' && text === SILENT);
    await page.keyboard.press('Enter');
    await page.waitForURL(`${origin}/hosts/${SILENT}`);
  });
});

test('an alert is acknowledged', { skip: browser.skip }, async () => {
  const { origin } = dashboard;
  await browser.visit({ origin, session: await dashboard.session('admin') }, async (page) => {
    await open(page, `${origin}/alerts`);
    await tabTo(page, ({ text }) => text === `Acknowledge silent on ${SILENT}`);
    await page.keyboard.press('Enter');
    await page.getByLabel('Reason').waitFor();
    // The form has the focus where it asks.
    if ((await page.evaluate('document.activeElement.name')) !== 'reason')
      await tabTo(page, ({ text }) => text === 'Reason');
    await page.keyboard.type('the cable is on its way');
    await page.keyboard.press('Enter');
    await page.locator('#decide').waitFor({ state: 'detached' });
    await open(page, `${origin}/alerts?show=acknowledged`);
    await page.getByText('the cable is on its way').waitFor();
  });
});

test('a command is copied, whole', { skip: browser.skip }, async () => {
  const { origin } = dashboard;
  await browser.visit({ origin, session: await dashboard.session('reader') }, async (page, context) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin });
    await open(page, `${origin}/alerts`);
    await tabTo(page, ({ tag, text }) => tag === 'button' && text === 'Copy');
    const command = await page.evaluate('document.activeElement.parentElement.querySelector("pre").textContent');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    assert.equal(await page.evaluate('navigator.clipboard.readText()'), command);
    assert.notEqual(command, '');
  });
});
