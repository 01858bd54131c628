import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '../config/config-error.ts';
import { requireRights } from './require-rights.ts';

const errorOf = (message: string) =>
  new ConfigError(
    [{ file: '/etc/cis490/lab-host.toml', line: 4, key: '[receiver] bearer_token_file', message }],
    'hint',
  );
const FORBIDDEN = errorOf('found a path (not shown), but it cannot be opened (EACCES)');

test('a person without the rights is told so; root and the service have them, and then it is a finding', () => {
  assert.throws(() => requireRights(FORBIDDEN, 1000, 'alice'), { code: 'bad-input', hint: 'run it again with sudo' });
  requireRights(FORBIDDEN, 0, 'root');
  requireRights(FORBIDDEN, 990, 'cis490');
  requireRights(errorOf('found an unknown key'), 1000, 'alice');
});
