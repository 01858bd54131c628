import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FleetHost } from '../../../protocol/answers.ts';
import { ACKNOWLEDGED, aHost, anAlert, HEAD, wallAgo } from './fleet.fixture.ts';
import {
  addressOf,
  gravityOfHost,
  isFound,
  isInState,
  needsYou,
  orderHosts,
  readQuestion,
  type Sort,
} from './fleet-order.ts';

const warned = aHost('lab-2', { state: 'sick', alerts: [anAlert('backlog', { severity: 'warning' })] });
const critical = aHost('lab-10', { state: 'silent', alerts: [anAlert('silent')], last_stored_at: wallAgo(9_000) });
const twice = aHost('lab-11', { state: 'silent', alerts: [anAlert('silent'), anAlert('refused')] });
const untold = aHost('lab-3', { state: 'never-seen', last_stored_at: null });
const lookedAfter = aHost('lab-4', { state: 'silent', alerts: [anAlert('silent', { acknowledged: ACKNOWLEDGED })] });
const silenced = aHost('lab-5', { state: 'sick', alerts: [anAlert('backlog', { silenced: 'deadbeef' })] });
const well = aHost('lab-1', {
  heartbeat: { received_at_wall: wallAgo(60), backlog: { episodes: 7, bytes: 1, oldest_s: 3 } },
});
const retired = aHost('lab-6', { state: 'retired' });
const ALL = [well, warned, untold, lookedAfter, silenced, retired, critical, twice];

const orders: [sort: Sort, ids: string[]][] = [
  ['', ['lab-11', 'lab-10', 'lab-2', 'lab-3', 'lab-4', 'lab-5', 'lab-1', 'lab-6']],
  ['name', ['lab-1', 'lab-2', 'lab-3', 'lab-4', 'lab-5', 'lab-6', 'lab-10', 'lab-11']],
  ['stored', ['lab-3', 'lab-10', 'lab-1', 'lab-2', 'lab-4', 'lab-5', 'lab-6', 'lab-11']],
  ['backlog', ['lab-1', 'lab-2', 'lab-3', 'lab-4', 'lab-5', 'lab-6', 'lab-10', 'lab-11']],
];

describe('order', () => {
  for (const [sort, ids] of orders) {
    test(sort || 'worst first', () => assert.deepEqual(orderHosts(ALL, sort).map(idOf), ids));
  }
});

test('what waits for the maintainer', () => {
  assert.deepEqual(ALL.map(gravityOfHost), [4, 1, 2, 3, 3, 5, 0, 0]);
  assert.deepEqual(ALL.filter(needsYou).map(idOf), ['lab-2', 'lab-3', 'lab-10', 'lab-11']);
});

const searches: [q: string, ids: string[]][] = [
  ['', ALL.map(idOf)],
  ['LAB-1', ['lab-1', 'lab-10', 'lab-11']],
  ['silent', ['lab-4', 'lab-10', 'lab-11']],
  ['silent  lab-10', ['lab-10']],
  [HEAD.slice(0, 8), ALL.map(idOf)],
  ['nobody', []],
];

describe('search', () => {
  for (const [q, ids] of searches) {
    test(JSON.stringify(q), () =>
      assert.deepEqual(ALL.filter((host) => isFound(host, readQuestion({ q }))).map(idOf), ids),
    );
  }
});

test('by state, and by whom it waits for', () => {
  const inState = (state: string) => ALL.filter((host) => isInState(host, readQuestion({ state }))).map(idOf);
  assert.deepEqual(inState('retired'), ['lab-6']);
  assert.deepEqual(inState('needs-you'), ['lab-2', 'lab-3', 'lab-10', 'lab-11']);
  assert.deepEqual(inState('of another release'), ALL.map(idOf));
});

test('the address of a question leads back to it, and a strange one to the fleet', () => {
  const question = { q: 'a b&c', state: 'silent', sort: 'name' } as const;
  const { searchParams } = new URL(addressOf(question), 'http://receiver');
  assert.deepEqual(readQuestion(Object.fromEntries(searchParams)), question);
  assert.equal(addressOf(readQuestion({ q: ' ', state: '<b>', sort: 'constructor' })), '/');
});

function idOf({ host_id }: FleetHost): string {
  return host_id;
}
