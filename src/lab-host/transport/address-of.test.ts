import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf, isLoopback } from './address-of.ts';

for (const [url, host, port, loopback] of [
  ['https://[::1]:8443', '::1', 8443, true],
  ['http://[fe80::1]', 'fe80::1', 80, false],
  ['https://receiver.example', 'receiver.example', 443, false],
  ['http://127.0.0.2:443', '127.0.0.2', 443, true],
  ['http://127.example', '127.example', 80, false],
  ['http://localhost:80', 'localhost', 80, true],
] as const) {
  test(`${url} leads to ${host}, port ${port}`, () => {
    assert.deepEqual(addressOf(new URL(url)), { host, port });
    assert.equal(isLoopback(new URL(url)), loopback);
  });
}
