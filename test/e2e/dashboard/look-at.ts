// How the tests look at a page: opened and live, judged by axe, and no wider than its window.

import assert from 'node:assert/strict';
import { AxeBuilder } from '@axe-core/playwright';
import type { Locator, Page } from 'playwright-core';

const JUDGED_ROWS = 20;

/** Whole and, where scripts run and it listens, listening. */
export async function open(page: Page, url: string, status = 200): Promise<void> {
  const answer = await page.goto(url, { waitUntil: 'load' });
  assert.equal(answer?.status(), status, url);
  assert.equal(await page.locator('h1').count(), 1, 'one first heading');
  if ((await page.locator('#live[data-state]').count()) > 0) await isLive(page).waitFor();
}

export function isLive(page: Page): Locator {
  return page.locator('#live[data-state="live"]');
}

/** What axe finds, a line for each rule; `grave` must be none. Of a long table the first rows are judged: the others are like them. */
export async function judge(page: Page): Promise<{ grave: string[]; light: string[] }> {
  await page.evaluate(
    `document.querySelectorAll('tbody > tr:nth-child(n + ${JUDGED_ROWS + 1})').forEach((row) => row.remove())`,
  );
  // Pages have no frames, for which it would open a second page; and what passes is not told.
  const axe = new AxeBuilder({ page }).setLegacyMode(true).options({ resultTypes: ['violations'] });
  const { violations } = await axe.analyze();
  const found: { grave: string[]; light: string[] } = { grave: [], light: [] };
  for (const { id, impact, nodes } of violations) {
    const places = nodes.slice(0, 3).map(({ target, failureSummary }) => `${target.join(' ')}: ${failureSummary}`);
    const line = `${id} (${impact}, ${nodes.length} places) ${places.join(' | ')}`.replaceAll(/\s+/g, ' ');
    found[impact === 'serious' || impact === 'critical' ? 'grave' : 'light'].push(line);
  }
  return found;
}

/** The elements that stick out on the right of the window, when the page can be scrolled sideways. */
export async function sticksOut(page: Page): Promise<string[]> {
  return await page.evaluate(STICKS_OUT);
}

// In the page, whose names the tests' own types do not have.
const STICKS_OUT = `(() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return [];
  const out = [...document.querySelectorAll('body *')].filter((element) => {
    if (element.getBoundingClientRect().right <= clientWidth) return false;
    for (let above = element.parentElement; above; above = above.parentElement)
      if (getComputedStyle(above).overflowX !== 'visible') return false;
    return true;
  });
  return out.slice(0, 5).map((element) => element.outerHTML.slice(0, 120));
})()`;
