import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { describe, test } from 'node:test';
import { isLoopbackAddress } from './loopback.ts';
import { authenticateOnLoopback } from './loopback-rule.ts';

const ENDS = { remoteAddress: '127.0.0.1', localAddress: '127.0.0.1' };

test('only connections of this machine with itself, whatever their headers say', () => {
  for (const [remoteAddress, localAddress, isKnown] of [
    ['127.0.0.1', '127.0.0.1', true],
    ['::ffff:127.0.0.1', '::ffff:127.0.0.1', true],
    ['::1', '::1', true],
    ['192.168.1.7', '192.168.1.2', false],
    ['192.168.1.2', '192.168.1.2', false],
    ['127.0.0.1', '192.168.1.2', false],
    [undefined, '192.168.1.2', false],
    [undefined, undefined, true],
  ] as const) {
    const outcome = authenticateOnLoopback('GET', { host: 'localhost' }, { remoteAddress, localAddress });
    assert.equal(outcome.kind === 'known', isKnown, `${remoteAddress} ${localAddress}`);
  }
});

describe('without a credential', () => {
  const LOCAL = { host: '127.0.0.1:8490' };
  const cases: [title: string, method: string, headers: IncomingHttpHeaders, isKnown: boolean][] = [
    ['this machine', 'PUT', LOCAL, true],
    ['this machine by name', 'PUT', { host: 'localhost:8490' }, true],
    ['this machine by name, in capitals', 'PUT', { host: 'LocalHost' }, true],
    ['this machine without a port', 'PUT', { host: '127.0.0.1' }, true],
    ['another address of this machine', 'PUT', { host: '127.9.9.9:1' }, true],
    ['this machine by IPv6', 'PUT', { host: '[::1]:8490' }, true],
    ['this machine by IPv6 without a port', 'PUT', { host: '[::1]' }, true],
    ['no Host', 'PUT', {}, false],
    ['an empty Host', 'PUT', { host: '' }, false],
    ['a name that a page has bound to this machine', 'PUT', { host: 'evil.example:8490' }, false],
    ['the same, only looking', 'GET', { host: 'evil.example:8490' }, false],
    ['a name that begins like this machine', 'PUT', { host: '127.0.0.1.evil.example' }, false],
    ['a name under localhost', 'PUT', { host: 'localhost.evil.example' }, false],
    ['an address of the network', 'PUT', { host: '192.168.1.2:8490' }, false],
    ['every address', 'PUT', { host: '0.0.0.0:8490' }, false],
    ['an address that only looks like one', 'PUT', { host: '127.0.0.999' }, false],
    ['Forwarded', 'GET', { ...LOCAL, forwarded: 'for=1.2.3.4' }, false],
    ['Via', 'GET', { ...LOCAL, via: '1.1 proxy' }, false],
    ['X-Forwarded-For', 'GET', { ...LOCAL, 'x-forwarded-for': '1.2.3.4' }, false],
    ['X-Forwarded-anything', 'PUT', { ...LOCAL, 'x-forwarded-proto': 'https' }, false],
    ['a page of this receiver', 'POST', { ...LOCAL, origin: 'http://127.0.0.1:8490' }, true],
    ['a page of this receiver, by HTTPS', 'POST', { ...LOCAL, origin: 'https://127.0.0.1:8490' }, true],
    ['a page of another port of this machine', 'POST', { ...LOCAL, origin: 'http://127.0.0.1:3000' }, false],
    ['a page of another site', 'POST', { ...LOCAL, origin: 'https://evil.example' }, false],
    ['a page without an origin', 'POST', { ...LOCAL, origin: 'null' }, false],
    ['a page of another site, by what the browser says', 'PUT', { ...LOCAL, 'sec-fetch-site': 'cross-site' }, false],
    ['a page of a site beside it', 'DELETE', { ...LOCAL, 'sec-fetch-site': 'same-site' }, false],
    ['a page of its own', 'PUT', { ...LOCAL, 'sec-fetch-site': 'same-origin' }, true],
    [
      'a page of another site that only looks',
      'GET',
      { ...LOCAL, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
      true,
    ],
    [
      'a page of another site that looks at the headers alone',
      'HEAD',
      { ...LOCAL, 'sec-fetch-site': 'cross-site' },
      true,
    ],
  ];
  for (const [title, method, headers, isKnown] of cases) {
    test(`${title}: ${isKnown ? 'served' : 'refused'}`, () => {
      const outcome = authenticateOnLoopback(method, headers, ENDS);
      assert.equal(outcome.kind === 'known' ? outcome.principal.role : outcome.code, isKnown ? 'open' : 'forbidden');
    });
  }
});

describe('a loopback address', () => {
  for (const [host, isLoopback] of [
    ['127.0.0.1', true],
    ['127.255.255.254', true],
    ['::1', true],
    ['[::1]', true],
    ['localhost', true],
    ['LOCALHOST', true],
    ['', false],
    ['0.0.0.0', false],
    ['::', false],
    ['::2', false],
    ['128.0.0.1', false],
    ['127.1', false],
    ['127.0.0.1.example', false],
    ['localhost.example', false],
    ['notlocalhost', false],
    ['10.127.0.1', false],
  ] as const) {
    test(`${host || 'nothing'}: ${isLoopback}`, () => assert.equal(isLoopbackAddress(host), isLoopback));
  }
});
