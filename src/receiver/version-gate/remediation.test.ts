import assert from 'node:assert/strict';
import { test } from 'node:test';
import { remediationFor } from './remediation.ts';

const GIT =
  'cd /opt/cis490 && sudo -u cis490 git pull origin main\nsudo /opt/cis490/scripts/install-lab-host.sh\nsudo systemctl restart cis490-orchestrator';
const RELEASE = 'sudo systemctl start cis490-autoupdate.service\njournalctl -u cis490-autoupdate -n 50 --no-pager';

for (const [configured, installedFrom, remediation] of [
  [undefined, 'git', GIT],
  [undefined, undefined, GIT],
  [undefined, 'release', RELEASE],
  [['one', 'two'], 'git', 'one\ntwo'],
  [['one', 'two'], 'release', 'one\ntwo'],
  [['one'], undefined, 'one'],
] as const) {
  test(`${configured ? 'configured' : 'default'}, installed from ${installedFrom ?? 'who knows what'}`, () => {
    assert.equal(remediationFor({ configured, installedFrom }), remediation);
  });
}
