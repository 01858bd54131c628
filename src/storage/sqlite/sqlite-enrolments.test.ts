import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { openControl, openEnrolments } from '../open-storage.ts';
import { CONTROL_MIGRATIONS } from './sqlite-control.ts';

for (const version of [1, 2]) {
  test(`a control.db of version ${version} is brought to the newest, with the decisions that are in it`, async (t) => {
    const root = temporaryDirectory(t);
    const old = new DatabaseSync(join(root, 'control.db'));
    for (const step of CONTROL_MIGRATIONS.slice(0, version)) old.exec(step);
    old.exec(`PRAGMA user_version = ${version}; INSERT INTO revoked_tokens VALUES ('t-1', '2026-05-01T00:00:00Z')`);
    old.close();
    const enrolments = await openEnrolments(root);
    assert.deepEqual([await enrolments.listTokens(), await enrolments.listIssued()], [[], []]);
    await enrolments.close();
    const control = await openControl(root);
    assert.equal(await control.isTokenRevoked('t-1'), true);
    await control.close();
  });
}
