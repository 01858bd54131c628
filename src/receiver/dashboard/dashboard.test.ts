import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hono } from 'hono';
import { AppError } from '../../lib/app-error.ts';
import { systemClock } from '../../lib/clock.ts';
import { createLogger } from '../../lib/logger.ts';
import type { RouteDependencies } from '../http/route-dependencies.ts';
import type { RouteEnvironment } from '../http/route-environment.ts';
import { Dashboard } from './dashboard.ts';

async function ask(failure: Error, hasLeft: boolean): Promise<{ status: number; logged: string; fatal: unknown[] }> {
  const lines: string[] = [];
  const fatal: unknown[] = [];
  const clock = { ...systemClock, wallTime: () => '2026-05-01T06:37:53.830599+00:00' };
  const app = new Hono<RouteEnvironment>();
  const dependencies = {
    authenticator: { authenticate: async () => ({ kind: 'known', principal: { role: 'open' } }) },
    clock,
    version: null,
    logger: createLogger({ level: 'info', form: 'plain', clock, write: (line) => lines.push(line) }),
    onFatal: (error: unknown) => fatal.push(error),
  };
  const dashboard = new Dashboard(app, dependencies as unknown as RouteDependencies);
  dashboard.page('/x', 'read-fleet', () => Promise.reject(failure));
  const outgoing = { destroyed: hasLeft, getHeader: () => 'r-1' };
  const { status } = await app.request('/x', { headers: { Accept: 'text/html' } }, { incoming: {}, outgoing });
  return { status, logged: lines.join(''), fatal };
}

test('a page that fails is an error in the log; one whose reader has left is not', async () => {
  const failed = await ask(new Error('cause-1'), false);
  assert.equal(failed.status, 500);
  assert.match(failed.logged, /error.*a page could not be made.*cause-1/is);
  const left = await ask(new Error('cause-2'), true);
  assert.doesNotMatch(left.logged, /error: a page|could not be made/i);
  assert.match(left.logged, /its reader has left.*cause-2/s);
});

test('a page that waits for the ledger makes no line', async () => {
  const { status, logged } = await ask(new AppError('not-ready', 'being read'), false);
  assert.deepEqual([status, logged], [503, '']);
});

test('a disk that does not keep what it was given ends the receiver, whoever has left', async () => {
  const error = new AppError('sync-failed', 'fsync');
  assert.deepEqual((await ask(error, true)).fatal, [error]);
});
