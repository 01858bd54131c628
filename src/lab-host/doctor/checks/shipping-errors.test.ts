import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../../../../test/support/temporary-directory.ts';
import { labHost } from '../doctor.fixture.ts';
import { shippingErrorsCheck } from './shipping-errors.ts';

const REFUSED = (status: number | undefined, code: string) =>
  `episode refused and quarantined episode=e-1${status ? ` status=${status}` : ''} code=${code} detail="status 400 and 412"`;
const LATER =
  'episode not shipped yet; it is tried again later episode=e-1 code=econnrefused detail="connect ECONNREFUSED"';

async function look(t: TestContext, lines: readonly string[]) {
  const journalFile = join(temporaryDirectory(t), 'journal');
  writeFileSync(journalFile, lines.map((line) => `${line}\n`).join(''));
  return await shippingErrorsCheck.run(await labHost(t, { journalFile }));
}

for (const [what, lines, status, summary, cure] of [
  ['an empty log', [], 'green', /^none in the last 10 minutes$/, undefined],
  [
    'a clean log',
    [
      'shipper started host=lab-1',
      'episode packed episode=e-1 bytes=412 source_bytes=400',
      'episode shipped episode=e-412 outcome=shipped bytes=400 seq=412',
    ],
    'green',
    /^none/,
    undefined,
  ],
  [
    'two 412s',
    [
      REFUSED(412, 'commit-not-in-window'),
      REFUSED(412, 'commit-not-in-window'),
      'remediation: git pull episode=e-1 code=commit-not-in-window',
    ],
    'red',
    /^2 ship\(s\) rejected as out-of-window$/,
    /git pull origin main\n.*\nsudo .*requeue --code commit-not-in-window/,
  ],
  [
    'one that was not sent',
    [REFUSED(undefined, 'commit-blocked')],
    'red',
    /^1 ship\(s\) rejected as out-of-window$/,
    /requeue --code commit-blocked/,
  ],
  [
    'all kinds: the gravest first',
    [LATER, REFUSED(400, 'commit-missing'), REFUSED(409, 'conflict'), REFUSED(412, 'commit-blocked')],
    'red',
    /^1 ship\(s\) rejected as out-of-window; also 1 rejected as unstamped or malformed, 1 refused for other reasons, 1 failed for now$/,
    /requeue/,
  ],
  [
    'a 400 and a transient',
    [LATER, REFUSED(400, 'commit-missing')],
    'red',
    /^1 ship\(s\) rejected as unstamped or malformed; also 1 failed for now$/,
    /install-lab-host\.sh\nsudo .*quarantine list/,
  ],
  ['a conflict', [REFUSED(409, 'conflict')], 'red', /^1 ship\(s\) refused for good$/, /quarantine list/],
  [
    'transients',
    [LATER, 'shipping is held: nothing is lost, everything waits code=credential-invalid status=401'],
    'yellow',
    /^2 ship\(s\) failed for now, and are tried again$/,
    /shipper --ping/,
  ],
  [
    'with what journalctl and syslog write in front',
    [
      `Nov 22 11:42:02 lab-1 cis490-shipper[123]: ${REFUSED(412, 'commit-blocked')}`,
      `<3>${REFUSED(412, 'x')}`,
      `2026-05-01T06:37:53.8+00:00 ERROR ${REFUSED(412, 'x')}`,
    ],
    'red',
    /^3 ship\(s\)/,
    /./,
  ],
  [
    'the older shipper',
    [
      'HTTP Request: PUT https://r/v1/episodes/h/e.tar.zst "HTTP/1.1 412 Precondition Failed"',
      "ERROR ship failed: Client error '412 Precondition Failed' for url 'https://r/'",
      'For more information check: https://developer.mozilla.org/en-US/docs/Web/HTTP/Status/412',
    ],
    'red',
    /^1 ship\(s\) rejected as out-of-window$/,
    /./,
  ],
  [
    'the older shipper, by its status',
    ['fatal: episode e-1 rejected status=400'],
    'red',
    /unstamped or malformed/,
    /./,
  ],
  [
    'the older shipper, cut off',
    ['ship e-1: httpx.ConnectTimeout', 'transient: HTTP 503'],
    'yellow',
    /^2 ship\(s\) failed for now/,
    /./,
  ],
] as [string, string[], string, RegExp, RegExp | undefined][]) {
  test(`${what}: ${status}`, async (t) => {
    const found = await look(t, lines);
    assert.equal(found.status, status, found.summary);
    assert.match(found.summary, summary);
    if (cure) assert.match(found.cure ?? '', cure);
    else assert.equal(found.cure, null);
  });
}

for (const [what, script, status, summary, cure] of [
  ['is read', `echo "$@" >&2; echo '${REFUSED(412, 'commit-blocked')}'`, 'red', /^1 ship/, undefined],
  ['is empty', 'echo "-- No entries --"', 'green', /^none/, undefined],
  [
    'may not be read',
    'echo "No journal files were opened due to insufficient permissions." >&2; exit 1',
    'unknown',
    /may not read the journal/,
    /^sudo usermod -a -G systemd-journal \S+$/m,
  ],
  [
    'has such words in a line of the shipper',
    'echo "episode packed episode=insufficient permissions"',
    'green',
    /^none/,
    undefined,
  ],
  [
    'says in its own lines that it may not be read',
    'echo "No journal files were opened due to insufficient permissions."',
    'unknown',
    /may not read the journal/,
    undefined,
  ],
  [
    "shows only what is one's own",
    'echo "Hint: You are currently not seeing messages from other users and the system." >&2',
    'unknown',
    /may not read/,
    /usermod/,
  ],
  [
    'is not kept',
    'echo "No journal files were found." >&2',
    'unknown',
    /No journal files/,
    /journalctl -u cis490-shipper/,
  ],
  ['breaks', 'exit 3', 'unknown', /exit code 3/, /journalctl/],
] as [string, string, string, RegExp, RegExp | undefined][]) {
  test(`a journal that ${what}: ${status}`, async (t) => {
    const found = await shippingErrorsCheck.run(await labHost(t, { programs: { journalctl: script } }));
    assert.equal(found.status, status, found.summary);
    assert.match(found.summary, summary);
    if (cure) assert.match(found.cure ?? '', cure);
  });
}

test('the journal is asked for ten minutes of the shipper alone', async (t) => {
  const { summary } = await shippingErrorsCheck.run(
    await labHost(t, { programs: { journalctl: 'echo "$*" >&2; exit 3' } }),
  );
  assert.match(summary, /: -u cis490-shipper --since -10min --output=cat/);
});

test('where there is no journalctl, nothing is known', async (t) => {
  const context = await labHost(t);
  const { status } = await shippingErrorsCheck.run({ ...context, run: async () => ({ kind: 'absent' }) });
  assert.equal(status, 'unknown');
});
