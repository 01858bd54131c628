import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rolesFor } from './roles-for.ts';

test('the roles that an action is allowed to, and to whom only for its own', () => {
  assert.deepEqual(rolesFor('write-episode'), ['host (its own)', 'fleet', 'admin']);
  assert.deepEqual(rolesFor('read-index'), ['reader', 'admin']);
  assert.deepEqual(rolesFor('read-gate'), ['host', 'fleet', 'reader', 'admin']);
  assert.deepEqual(rolesFor('retract-episode'), ['admin']);
});
