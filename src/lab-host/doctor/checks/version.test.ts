import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { serve } from '../../transport/ping.fixture.ts';
import { COMMIT, labHost } from '../doctor.fixture.ts';
import { versionCheck } from './version.ts';

function gate(t: TestContext, verdict: Record<string, unknown> | undefined, window = 100): Promise<string> {
  return serve(t, (request, response) => {
    const url = request.url ?? '';
    if (url === '/v1/ping') return response.end('{"ok":true}');
    if (verdict === undefined) return response.writeHead(404).end('{}');
    return response.end(JSON.stringify(url === '/v1/version-gate' ? { enabled: true, window } : verdict));
  });
}

for (const [what, version] of [
  ['missing', null],
  ['malformed', 'v1.2'],
] as const) {
  test(`a VERSION that is ${what} is red`, async (t) => {
    const context = await labHost(t, { version, toml: '[orchestrator]\nenabled = true' });
    const { status, cure } = await versionCheck.run(context);
    assert.equal(status, 'red');
    assert.equal(cure, `sudo ${context.root}/scripts/install-lab-host.sh\nsudo systemctl restart cis490-orchestrator`);
  });
}

for (const [what, verdict, status, summary, cure] of [
  ['the head', { verdict: 'accepted', head_distance: 0 }, 'green', /is the head$/, undefined],
  ['behind', { verdict: 'accepted', head_distance: 79 }, 'green', /is 79 behind the head$/, undefined],
  [
    'close to the end',
    { verdict: 'accepted', head_distance: 80 },
    'yellow',
    /80 behind the head, and the window is 100/,
    /git pull/,
  ],
  [
    'refused',
    { verdict: 'refused', code: 'commit-not-in-window', head_commit: 'd'.repeat(40) },
    'red',
    /refuses it with commit-not-in-window; the head is dddddddddddd$/,
    /git pull/,
  ],
  [
    'refused, with a word',
    { verdict: 'refused', code: 'commit-blocked', remediation: 'do\nthis' },
    'red',
    /commit-blocked/,
    /^do\nthis$/,
  ],
  ['not judged', { verdict: 'unknown' }, 'unknown', /cannot tell now/, /shipper --ping/],
  ['of an older receiver', undefined, 'green', /cannot be asked/, undefined],
] as const) {
  test(`code that is ${what}: ${status}`, async (t) => {
    const context = await labHost(t, { url: await gate(t, verdict) });
    const found = await versionCheck.run(context);
    assert.equal(found.status, status, found.summary);
    assert.match(found.summary, summary);
    assert.ok(found.summary.startsWith(COMMIT.slice(0, 12)));
    if (cure) assert.match(found.cure ?? '', cure);
  });
}

test('without a receiver the stamp alone is known', async (t) => {
  const url = await serve(t, (_, response) => response.writeHead(503).end('{}'));
  const { status, summary } = await versionCheck.run(await labHost(t, { url }));
  assert.equal(status, 'unknown');
  assert.match(summary, /^c{12}; not compared with the head: contract fails first$/);
});
