import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { sha256 } from '../../../test/support/episodes.ts';
import { isLoopbackAddress } from '../identity/loopback.ts';
import { type Action, allows, createAuthenticator } from './authentication.ts';

describe('with a fleet token', () => {
  const authenticate = createAuthenticator(sha256('s3cret'));
  const of = (authorization: string | undefined) => {
    const outcome = authenticate('PUT', authorization === undefined ? {} : { authorization });
    return outcome.kind === 'known' ? outcome.principal.role : outcome.code;
  };
  for (const [authorization, outcome] of [
    ['Bearer s3cret', 'fleet'],
    ['bearer s3cret', 'fleet'],
    ['BEARER   s3cret', 'fleet'],
    [undefined, 'credential-missing'],
    ['', 'credential-missing'],
    ['Bearer', 'credential-missing'],
    ['Bearer ', 'credential-missing'],
    ['s3cret', 'credential-missing'],
    ['Basic s3cret', 'credential-missing'],
    ['Bearer s3cret s3cret', 'credential-missing'],
    ['Bearer S3cret', 'credential-invalid'],
    ['Bearer s3cre', 'credential-invalid'],
    ['Bearer s3crets', 'credential-invalid'],
    [`Bearer ${sha256('s3cret')}`, 'credential-invalid'],
  ] as const) {
    test(`${authorization ?? 'no header'}: ${outcome}`, () => assert.equal(of(authorization), outcome));
  }

  test('a configured digest in upper case is the same digest', () => {
    const outcome = createAuthenticator(sha256('s3cret').toUpperCase())('PUT', { authorization: 'Bearer s3cret' });
    assert.equal(outcome.kind, 'known');
  });

  test('a proxy in front, another Host and another origin are all the same to it', () => {
    const headers = {
      authorization: 'Bearer s3cret',
      'x-forwarded-for': '1.2.3.4',
      via: '1.1 x',
      host: 'x.example',
      origin: 'https://x',
    };
    assert.equal(authenticate('POST', headers).kind, 'known');
  });

  test('no answer tells what was sent', () => {
    for (const authorization of ['Basic dHJ5', 'Bearer dHJ5']) {
      const outcome = authenticate('PUT', { authorization });
      assert.ok(outcome.kind === 'refused' && !outcome.detail.includes('dHJ5'));
    }
  });
});

test('the token is compared by its digest, in constant time', async () => {
  const source = await readFile(join(import.meta.dirname, 'authentication.ts'), 'utf8');
  assert.match(source, /if \(timingSafeEqual\(digest, expected\)\)/);
});

describe('without a credential', () => {
  const authenticate = createAuthenticator(undefined);
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
      const outcome = authenticate(method, headers);
      assert.equal(outcome.kind === 'known' ? outcome.principal.role : outcome.code, isKnown ? 'open' : 'forbidden');
    });
  }
});

describe('what each may do', () => {
  const all: Action[] = ['write-episode', 'read-episode-headers', 'read-episode', 'ping'];
  const allowed = (role: 'open' | 'fleet') => all.filter((action) => allows({ role }, action));
  test('everything, where nobody needs a credential', () => assert.deepEqual(allowed('open'), all));
  test('the fleet writes and asks, and reads no episode', () => {
    assert.deepEqual(allowed('fleet'), ['write-episode', 'read-episode-headers', 'ping']);
  });
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
