import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { explainNetworkError, explainRefusal } from './explain-failure.ts';

const URL = 'https://receiver.example:8490';

const network: [error: string, message: string, code: string, hint: RegExp][] = [
  ['ECONNREFUSED', 'connect ECONNREFUSED', 'receiver-down', /systemctl status cis490-receiver/],
  ['ENOTFOUND', 'getaddrinfo ENOTFOUND', 'receiver-down', /--url/],
  ['ECONNRESET', 'socket hang up', 'receiver-down', /https:/],
  ['EPROTO', 'ssl3_get_record:wrong version number', 'receiver-untrusted', /http:\/\//],
  ['CERT_HAS_EXPIRED', 'certificate has expired', 'receiver-untrusted', /timedatectl/],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'Hostname/IP does not match', 'receiver-untrusted', /--url/],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'self-signed certificate', 'receiver-untrusted', /--ca-file/],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'alert', 'receiver-untrusted', /--url/],
  ['HPE_INVALID_CONSTANT', 'Parse Error', 'no-receiver', /--url/],
];

describe('no answer', () => {
  for (const [name, message, code, hint] of network) {
    test(name, () => {
      const error = explainNetworkError(URL, Object.assign(new Error(message), { code: name }), false);
      assert.equal(error.code, code);
      assert.match(error.message, /https:\/\/receiver\.example:8490/);
      assert.match(error.hint ?? '', hint);
    });
  }

  test('nothing in time', () => {
    const error = explainNetworkError(URL, new DOMException('late', 'TimeoutError'), false);
    assert.match(error.message, /does not answer/);
  });
});

const problem = (code: string) => JSON.stringify({ code, detail: 'the \x1b[2Jdetail' });
const refusals: [name: string, status: number, text: string, code: string, hint: RegExp | undefined][] = [
  [
    'no credential',
    401,
    problem('credential-missing'),
    'credential-refused',
    /token create --role reader > .*--token-file/,
  ],
  ['not this one', 403, problem('forbidden'), 'credential-refused', /token create --role reader/],
  ['nothing there', 404, problem('not-found'), 'not-found', /cis490 fleet$/],
  ['an older receiver', 405, problem('method-not-allowed'), 'not-known-there', /older/],
  ['a web page', 404, '<html>', 'no-receiver', /--url/],
  ['a redirect is not followed', 302, '', 'no-receiver', /--url/],
  ['a proxy whose receiver is down', 502, '<html>', 'receiver-down', /systemctl status/],
  ['not ready', 503, problem('not-ready'), 'receiver-failed', /journalctl/],
  ['bad input', 400, problem('bad-body'), 'refused', undefined],
];

describe('refused', () => {
  for (const [name, status, text, code, hint] of refusals) {
    test(name, () => {
      const error = explainRefusal({ url: URL, status, text, role: 'reader', listedBy: 'cis490 fleet' });
      assert.equal(error.code, code);
      if (hint) assert.match(error.hint ?? '', hint);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there.
      assert.doesNotMatch(error.message, /\x1b/);
    });
  }
});
