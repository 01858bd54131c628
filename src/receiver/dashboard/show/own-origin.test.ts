import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { TLSSocket } from 'node:tls';
import { ownOrigin } from './own-origin.ts';

const CASES: [what: string, headers: Record<string, string>, isTls: boolean, origin: string][] = [
  ['plain, on this machine', { host: 'localhost:8490' }, false, 'http://localhost:8490'],
  ['a browser on this machine', { host: '127.0.0.1:8490', 'sec-fetch-site': 'none' }, false, 'http://127.0.0.1:8490'],
  ['our own TLS', { host: 'receiver.lab:8443' }, true, 'https://receiver.lab:8443'],
  ['a proxy’s TLS', { host: 'receiver.lab', 'sec-fetch-site': 'none' }, false, 'https://receiver.lab'],
  ['plain, from elsewhere', { host: '192.0.2.7:8490' }, false, 'http://192.0.2.7:8490'],
  ['IPv6', { host: '[2001:db8::1]:8490' }, false, 'http://[2001:db8::1]:8490'],
  ['a name that is a command', { host: '$(reboot)' }, false, 'https://RECEIVER'],
  ['a name that is markup', { host: '"><script>' }, false, 'https://RECEIVER'],
  ['none', {}, false, 'https://RECEIVER'],
];

for (const [what, headers, isTls, origin] of CASES) {
  test(what, () => {
    const socket = isTls ? new TLSSocket(new Socket()) : new Socket();
    assert.equal(ownOrigin({ headers, socket }), origin);
    socket.destroy();
  });
}
