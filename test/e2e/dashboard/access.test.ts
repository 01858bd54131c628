// Who gets in, what a reader may do, and what the page of somebody else can make a browser do: by a real browser, with its own cookies.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { useBrowser } from '../../support/browser.ts';
import { DashboardFleet } from '../../support/dashboard-fleet.ts';
import { Program } from '../../support/program.ts';
import { isLive, open } from './look-at.ts';
import { findEach, oneOfEach } from './planted/one-of-each.ts';

const browser = useBrowser();
let dashboard: DashboardFleet;

before(async () => {
  if (browser.skip !== false) return;
  dashboard = await DashboardFleet.start(oneOfEach());
  await findEach(dashboard);
});
after(() => dashboard?.end());

async function logIn(page: Page, token: string): Promise<void> {
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Log in' }).click();
}

interface Shown {
  id: string;
  acknowledged: unknown;
}

async function firing(): Promise<Shown[]> {
  return (await dashboard.ask('GET', '/v1/alerts?state=firing')).json['alerts'] as Shown[];
}

async function silences(): Promise<unknown[]> {
  return (await dashboard.ask('GET', '/v1/silences')).json['silences'] as unknown[];
}

test('nobody sees anything but the login; it leads on to what was asked for, and out again', {
  skip: browser.skip,
}, async () => {
  const { origin, tokens } = dashboard;
  const token = tokens.get('reader')?.token ?? '';
  await browser.visit({ origin, brings: /status of 401/ }, async (page, context) => {
    await page.goto(`${origin}/alerts?show=history`);
    assert.equal(page.url(), `${origin}/login?next=%2Falerts%3Fshow%3Dhistory`);
    await logIn(page, 'cis490_wrong');
    await page
      .getByRole('alert')
      .getByText(/Refused/)
      .waitFor();
    assert.equal(await page.getByLabel('Token').inputValue(), '', 'what was typed is not repeated');
    await logIn(page, token);
    await page.waitForURL(`${origin}/alerts?show=history`);
    await isLive(page).waitFor();
    const [cookie] = await context.cookies();
    assert.deepEqual([cookie?.name, cookie?.httpOnly, cookie?.sameSite], ['cis490_session', true, 'Lax']);
    assert.equal(await page.evaluate('document.cookie'), '');
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.waitForURL(`${origin}/login`);
    await page.goto(`${origin}/`);
    assert.match(page.url(), /\/login$/);
  });
  assert.ok(!dashboard.log.includes(token) && !dashboard.log.includes('cis490_wrong'), 'no token in the log');
});

test('a token that is revoked ends the session of an open page: the login comes by itself', {
  skip: browser.skip,
}, async () => {
  const other = await DashboardFleet.start(oneOfEach());
  try {
    const { origin, fleet, tokens } = other;
    const session = await other.session('reader');
    await browser.visit({ origin, session, brings: /status of 401|ERR_INCOMPLETE_CHUNKED/ }, async (page) => {
      await open(page, `${origin}/`);
      const id = tokens.get('reader')?.id ?? '';
      const revoke = Program.cis490(['token', 'revoke', id, '--config', fleet.receiverConfig]);
      assert.equal((await revoke.ended).code, 0, revoke.stderr);
      // The next thing that happens is no longer for this page.
      await other.put('lab-new', 'first', 'x', '');
      await page.waitForURL(/\/login/);
    });
  } finally {
    await other.end();
  }
});

test('a reader has no forms, and a form that is made up is refused', { skip: browser.skip }, async () => {
  const { origin } = dashboard;
  const [alert] = await firing();
  const session = await dashboard.session('reader');
  await browser.visit({ origin, session, brings: /status of 403/ }, async (page) => {
    for (const path of ['/', '/alerts', '/alerts?show=silenced', '/hosts/lab-silent', '/data', '/gate']) {
      await open(page, origin + path);
      const actions = await page.evaluate(
        `[...document.querySelectorAll('form[method="post"]')].map((form) => form.action)`,
      );
      assert.deepEqual(actions, [`${origin}/logout`], path);
    }
    for (const [action, fields] of forgeries(alert?.id ?? '')) {
      const status = await page.evaluate(
        `fetch(${JSON.stringify(action)}, { method: 'POST', body: new URLSearchParams(${JSON.stringify(fields)}) }).then(({ status }) => status)`,
      );
      assert.equal(status, 403, action);
    }
  });
  assert.ok((await firing()).every(({ acknowledged }) => acknowledged === null));
  assert.deepEqual(await silences(), []);
});

function forgeries(alertId: string): [action: string, fields: Record<string, string>][] {
  return [
    [`/alerts/${alertId}/acknowledge`, { reason: 'forged' }],
    ['/silences', { host: 'lab-silent', reason: 'forged', for: '4h' }],
    ['/silences/51e9ce00/end', {}],
  ];
}

test('a page of somebody else posts with the admin’s cookie, and changes nothing', { skip: browser.skip }, async () => {
  const { origin } = dashboard;
  const [alert] = await firing();
  const forms = forgeries(alert?.id ?? '');
  // The same host on another port: the browser takes it for the same site, and sends the cookie along.
  const elsewhere = createServer((request, response) => {
    const [action, fields] = forms[Number(request.url?.slice(1))] ?? ['/logout', {}];
    const inputs = Object.entries(fields).map(([name, value]) => `<input name="${name}" value="${value}">`);
    response.setHeader('Content-Type', 'text/html');
    response.end(
      `<form method="post" action="${origin}${action}">${inputs.join('')}<button>Win a prize</button></form>`,
    );
  }).listen(0, '127.0.0.1');
  await once(elsewhere, 'listening');
  const { port } = elsewhere.address() as AddressInfo;
  try {
    const session = await dashboard.session('admin');
    const brings = /left the origin: http:\/\/127\.0\.0\.1:|status of 40[34]/;
    await browser.visit({ origin, session, brings }, async (page) => {
      for (const number of [...forms.keys(), forms.length]) {
        await page.goto(`http://127.0.0.1:${port}/${number}`);
        const posted = page.waitForRequest((request) => request.method() === 'POST');
        await page.getByRole('button').click();
        const request = await posted;
        const headers = await request.allHeaders();
        assert.match(headers['cookie'] ?? '', /cis490_session=/, 'the cookie was sent');
        const status = (await request.response())?.status();
        assert.equal(status, number < forms.length ? 403 : 303);
      }
      await open(page, `${origin}/`);
      assert.equal(await page.getByRole('button', { name: 'Log out' }).count(), 1, 'nobody was logged out');
    });
  } finally {
    elsewhere.close();
  }
  assert.ok((await firing()).every(({ acknowledged }) => acknowledged === null));
  assert.deepEqual(await silences(), []);
});
