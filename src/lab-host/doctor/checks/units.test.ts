import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { labHost, systemctl } from '../doctor.fixture.ts';
import { timersCheck } from './timers.ts';
import { unitsCheck } from './units.ts';

const RUNS = 'LoadState=loaded ActiveState=active SubState=running UnitFileState=enabled';
const RECORDS = '[orchestrator]\nenabled = true';

for (const [what, shipper, status, summary, cure] of [
  ['runs', RUNS, 'green', /^cis490-shipper is active$/, undefined],
  [
    'is inactive',
    RUNS.replace('=active', '=inactive'),
    'red',
    /is inactive/,
    /^sudo systemctl enable --now cis490-shipper$/,
  ],
  [
    'has failed',
    RUNS.replace('=active', '=failed'),
    'red',
    /has failed/,
    /^sudo journalctl -u cis490-shipper -n 50 --no-pager\nsudo systemctl enable --now cis490-shipper$/,
  ],
  [
    'starts again and again',
    'LoadState=loaded ActiveState=activating SubState=auto-restart',
    'red',
    /again and again/,
    /journalctl/,
  ],
  [
    'is starting',
    'LoadState=loaded ActiveState=activating SubState=start',
    'yellow',
    /is activating/,
    /^systemctl status cis490-shipper$/,
  ],
  [
    'is disabled',
    RUNS.replace('enabled', 'disabled'),
    'red',
    /is disabled: it does not start with the machine/,
    /^sudo systemctl enable --now cis490-shipper$/,
  ],
  [
    'is masked',
    'LoadState=masked ActiveState=inactive UnitFileState=masked',
    'red',
    /is masked/,
    /^sudo systemctl unmask cis490-shipper\nsudo systemctl enable --now/,
  ],
  [
    'is not installed',
    'LoadState=not-found ActiveState=inactive',
    'red',
    /not installed/,
    /^sudo .*scripts\/install-lab-host\.sh\nsudo systemctl enable --now/,
  ],
] as const) {
  test(`a shipper that ${what}: ${status}`, async (t) => {
    const programs = { systemctl: systemctl({ 'cis490-shipper.service': shipper }) };
    const found = await unitsCheck.run(await labHost(t, { programs }));
    assert.equal(found.status, status, found.summary);
    assert.match(found.summary, summary);
    if (cure) assert.match(found.cure ?? '', cure);
    else assert.equal(found.cure, null);
  });
}

test('the orchestrator counts only where it is enabled in the configuration', async (t) => {
  const programs = { systemctl: systemctl({ 'cis490-shipper.service': RUNS }) };
  assert.equal((await unitsCheck.run(await labHost(t, { programs }))).status, 'green');
  const found = await unitsCheck.run(await labHost(t, { programs, toml: RECORDS }));
  assert.deepEqual([found.status, found.summary], ['red', 'cis490-orchestrator is not installed']);
});

test('timers count where the configuration has them', async (t) => {
  const waits = 'LoadState=loaded ActiveState=active SubState=waiting UnitFileState=enabled';
  const programs = {
    systemctl: systemctl({
      'cis490-doctor-check.timer': waits,
      'cis490-autoupdate.timer': waits.replace('=active', '=inactive'),
      'cis490-update-guard.timer': waits,
    }),
  };
  const context = await labHost(t, { programs });
  assert.equal((await timersCheck.run(context)).status, 'green');
  const updates = {
    ...context,
    config: { ...context.config, autoupdate: { ...context.config.autoupdate, enabled: true } },
  };
  const found = await timersCheck.run(updates);
  assert.deepEqual([found.status, found.cure], ['red', 'sudo systemctl enable --now cis490-autoupdate.timer']);
  const unguarded = systemctl({ 'cis490-doctor-check.timer': waits, 'cis490-autoupdate.timer': waits });
  const { run } = await labHost(t, { programs: { systemctl: unguarded } });
  assert.equal((await timersCheck.run({ ...updates, run })).summary, 'cis490-update-guard.timer is not installed');
  const renews = { ...context, config: { ...context.config, cert: { ...context.config.cert, enabled: true } } };
  assert.equal((await timersCheck.run(renews)).summary, 'cis490-cert-fetch.timer is not installed');
  assert.equal((await timersCheck.run(await labHost(t, { programs: { systemctl: systemctl({}) } }))).status, 'red');
});

test('where systemd does not answer, nothing is known', async (t) => {
  const programs = { systemctl: 'echo "System has not been booted with systemd" >&2; exit 1' };
  const { status, summary } = await unitsCheck.run(await labHost(t, { programs }));
  assert.equal(status, 'unknown');
  assert.match(summary, existsSync('/run/systemd/system') ? /could not be asked/ : /^systemd does not run here$/);
});
