import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { ConnectionLimit, connectionLimit } from './connection-limit.ts';

function opened(limit: ConnectionLimit, count: number): Socket[] {
  const sockets = Array.from({ length: count }, () => new Socket());
  for (const socket of sockets) limit.opened(socket);
  return sockets;
}

const destroyed = (sockets: Socket[]) => sockets.map((socket) => socket.destroyed);

test('one too many: the one that has been idle longest goes', () => {
  const limit = new ConnectionLimit(3);
  const sockets = opened(limit, 4);
  assert.deepEqual(destroyed(sockets), [true, false, false, false]);
});

test('several in one turn of the loop take room from as many', () => {
  const limit = new ConnectionLimit(3);
  const sockets = opened(limit, 6);
  assert.deepEqual(destroyed(sockets), [true, true, true, false, false, false]);
});

test('one at work stays, and counts as idle from its answer on', () => {
  const limit = new ConnectionLimit(2);
  const [first, second] = opened(limit, 2);
  assert.ok(first && second);
  limit.busy(first);
  opened(limit, 1);
  assert.deepEqual(destroyed([first, second]), [false, true]);
  limit.idle(first);
  const [third] = opened(limit, 1);
  assert.equal(first.destroyed, false);
  assert.ok(third);
  opened(limit, 1);
  assert.equal(first.destroyed, true);
});

test('when all are at work the new one goes', () => {
  const limit = new ConnectionLimit(2);
  const working = opened(limit, 2);
  for (const socket of working) limit.busy(socket);
  const [late] = opened(limit, 1);
  assert.deepEqual(destroyed(working), [false, false]);
  assert.equal(late?.destroyed, true);
});

test('what has closed or left makes room by itself, and is not put back by a late answer', async () => {
  const limit = new ConnectionLimit(2);
  const [closed, left] = opened(limit, 2);
  assert.ok(closed && left);
  limit.busy(closed);
  closed.destroy();
  await once(closed, 'close');
  limit.idle(closed);
  limit.left(left);
  const others = opened(limit, 2);
  assert.deepEqual(destroyed(others), [false, false]);
  assert.equal(left.destroyed, false);
});

test('the limit of this process leaves room for files', () => {
  assert.ok(connectionLimit() >= 16);
  assert.ok(connectionLimit() <= 16_384);
});
