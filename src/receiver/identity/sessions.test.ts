import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { comesFromOwnPage, SESSION_S, Sessions, sessionCookieOf } from './sessions.ts';

const TOKEN = 'a'.repeat(64);
const MOST = 1_000;

function open() {
  const clock = { nowMs: 5_000, monotonicMs: () => clock.nowMs };
  return { clock, sessions: new Sessions(clock) };
}

describe('sessions', () => {
  test('a cookie of 256 random bits stands for the token until it is ended', () => {
    const { sessions } = open();
    const [one, other] = [sessions.begin(TOKEN), sessions.begin('b'.repeat(64))];
    assert.match(one, /^[\w-]{43}$/);
    assert.notEqual(one, other);
    assert.equal(sessions.find(one), TOKEN);
    assert.equal(sessions.find(other), 'b'.repeat(64));
    assert.equal(sessions.find(`${one}x`), undefined);
    assert.equal(sessions.find(''), undefined);
    sessions.end(one);
    sessions.end('never begun');
    assert.equal(sessions.find(one), undefined);
    assert.equal(sessions.find(other), 'b'.repeat(64));
  });

  test('it ends after twelve hours, used or not', () => {
    const { clock, sessions } = open();
    const cookie = sessions.begin(TOKEN);
    clock.nowMs += SESSION_S * 1000 - 1;
    assert.equal(sessions.find(cookie), TOKEN);
    clock.nowMs += 1;
    assert.equal(sessions.find(cookie), undefined);
    assert.equal(SESSION_S, 12 * 3_600);
  });

  test('where there are too many the oldest makes room, and those that have ended do first', () => {
    const { clock, sessions } = open();
    const old = sessions.begin(TOKEN);
    clock.nowMs += SESSION_S * 1000;
    const cookies = Array.from({ length: MOST }, (_, index) => sessions.begin(String(index)));
    assert.equal(sessions.find(old), undefined);
    assert.ok(cookies.every((cookie, index) => sessions.find(cookie) === String(index)));
    const next = sessions.begin(TOKEN);
    assert.deepEqual(
      [cookies[0] ?? '', cookies[1] ?? '', next].map((cookie) => sessions.find(cookie)),
      [undefined, '1', TOKEN],
    );
  });

  test('many logins with one token end its own oldest sessions, and nobody else’s', () => {
    const { sessions } = open();
    const other = sessions.begin('b'.repeat(64));
    const cookies = Array.from({ length: 60 }, () => sessions.begin(TOKEN));
    assert.equal(sessions.find(other), 'b'.repeat(64));
    assert.equal(cookies.filter((cookie) => sessions.find(cookie) === TOKEN).length, 50);
    assert.equal(sessions.find(cookies.at(-1) ?? ''), TOKEN);
  });
});

const COOKIES: [what: string, header: string | undefined, found: string | undefined][] = [
  ['there is none', undefined, undefined],
  ['another cookie', 'theme=dark', undefined],
  ['ours', 'cis490_session=abc', 'abc'],
  ['ours among others', 'theme=dark; cis490_session=abc; x=y', 'abc'],
  ['a name that only ends like ours', 'not_cis490_session=abc', undefined],
  ['ours twice', 'cis490_session=first; cis490_session=second', 'first'],
  ['an empty one', 'cis490_session=', ''],
];

describe('the session’s cookie', () => {
  for (const [what, cookie, found] of COOKIES) {
    test(what, () => assert.equal(sessionCookieOf({ headers: cookie === undefined ? {} : { cookie } }), found));
  }
});

const HOST = 'receiver.lab:8490';
const PAGES: [what: string, headers: Record<string, string>, isOwn: boolean][] = [
  ['the browser says so', { 'sec-fetch-site': 'same-origin' }, true],
  ['another site', { 'sec-fetch-site': 'cross-site' }, false],
  ['another host of the same site', { 'sec-fetch-site': 'same-site' }, false],
  ['typed in, or a bookmark', { 'sec-fetch-site': 'none' }, false],
  ['another site with our origin', { 'sec-fetch-site': 'cross-site', origin: `https://${HOST}` }, false],
  ['an old browser, our origin', { origin: `http://${HOST}` }, true],
  ['an old browser, our origin behind a proxy with TLS', { origin: `https://${HOST}` }, true],
  ['an old browser, another port', { origin: 'http://receiver.lab:8491' }, false],
  ['an old browser, an origin that begins like ours', { origin: `http://${HOST}.evil.example` }, false],
  ['an old browser, a page without an origin', { origin: 'null' }, false],
  ['nobody says anything', {}, false],
];

describe('whether a change comes from our own page', () => {
  for (const [what, headers, isOwn] of PAGES) {
    test(what, () => assert.equal(comesFromOwnPage({ headers: { host: HOST, ...headers } }), isOwn));
  }

  test('without a Host no origin is ours', () => {
    assert.equal(comesFromOwnPage({ headers: { origin: 'http://undefined' } }), false);
  });
});
