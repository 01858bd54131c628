import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { describe, test } from 'node:test';
import { TrustedProxies } from './trusted-proxies.ts';

const proxies = new TrustedProxies(['127.0.0.1', '10.0.0.0/8', 'fd00::/8', '::1']);

function from(remoteAddress: string, ...forwarded: string[]): IncomingMessage {
  const headersDistinct = forwarded.length > 0 ? { 'x-forwarded-for': forwarded } : {};
  return { socket: { remoteAddress, remotePort: 5 }, headersDistinct } as unknown as IncomingMessage;
}

describe('who is trusted', () => {
  for (const [address, isTrusted] of [
    ['127.0.0.1', true],
    ['127.0.0.2', false],
    ['10.255.0.1', true],
    ['11.0.0.1', false],
    ['::ffff:10.1.2.3', true],
    ['::FFFF:10.1.2.3', true],
    ['::ffff:11.0.0.1', false],
    ['fd12::1', true],
    ['fe80::1', false],
    ['::1', true],
    ['', false],
    ['localhost', false],
  ] as const) {
    test(`${address || 'nothing'}: ${isTrusted}`, () => assert.equal(proxies.sent(from(address)), isTrusted));
  }
  test('nobody, by default', () => assert.equal(new TrustedProxies([]).sent(from('127.0.0.1')), false));
});

describe('the client in the log', () => {
  for (const [title, request, client] of [
    ['direct', from('192.0.2.1'), '192.0.2.1:5'],
    ['direct, by IPv6', from('2001:db8::1'), '[2001:db8::1]:5'],
    ['direct, by IPv4 on a socket of both', from('::ffff:192.0.2.1'), '192.0.2.1:5'],
    ['a stranger who says that it forwards', from('192.0.2.1', '198.51.100.1'), '192.0.2.1:5'],
    ['behind a proxy', from('10.0.0.1', '198.51.100.1'), '198.51.100.1'],
    ['behind a proxy, with what the client made up', from('10.0.0.1', '1.1.1.1, 198.51.100.1'), '198.51.100.1'],
    ['behind two proxies', from('10.0.0.1', '1.1.1.1, 198.51.100.1, 10.9.9.9'), '198.51.100.1'],
    ['in two headers', from('10.0.0.1', '1.1.1.1', '198.51.100.1, 10.9.9.9'), '198.51.100.1'],
    ['with a port', from('10.0.0.1', '198.51.100.1:99'), '198.51.100.1'],
    ['IPv6 with a port', from('10.0.0.1', '[2001:db8::1]:99'), '2001:db8::1'],
    ['all trusted', from('10.0.0.1', '10.0.0.7'), '10.0.0.1:5'],
    ['a proxy that tells nothing', from('10.0.0.1'), '10.0.0.1:5'],
    ['no address', from('10.0.0.1', '198.51.100.1, evil\u001b[0m'), '10.0.0.1:5'],
    ['empty', from('10.0.0.1', ''), '10.0.0.1:5'],
  ] as const) {
    test(title, () => assert.equal(proxies.clientOf(request), client));
  }
});
