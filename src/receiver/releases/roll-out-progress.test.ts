import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RollOut } from '../../storage/roll-out.ts';
import type { ListedRelease } from './manage-releases.ts';
import { rollOutProgress, type UpdatedHost } from './roll-out-progress.ts';

const [OLD = '', NEW = '', ODD = ''] = ['1', '2', '3'].map((digit) => digit.repeat(40));

function release(number: number, commit: string, decided?: Partial<RollOut>): ListedRelease {
  const rollOut = decided && { commit, percent: 100, paused: false, decidedAt: 't', by: 'ada', ...decided };
  return { number, commit, bundles: [], rollOut };
}

function host(hostId: string, commit: string | null, update?: object, lastCommit: string | null = null): UpdatedHost {
  return { hostId, heartbeat: { version: commit === null ? null : { commit }, update }, lastCommit };
}

const RELEASES = [release(8, NEW, { percent: 25, paused: true }), release(7, OLD, {}), release(6, ODD)];

const hosts: UpdatedHost[] = [
  host('confirmed', NEW, { result: 'updated', commit: OLD, target: NEW }),
  host('looked-again', NEW, { result: 'current', commit: NEW, target: NEW }),
  host('installed-by-hand', NEW),
  host('on-trial', NEW, { result: 'current', commit: OLD, target: OLD }),
  host('tried-again', NEW, { result: 'rolled-back', commit: OLD, target: NEW }),
  host('taken-back', OLD, { result: 'rolled-back', commit: OLD, target: NEW }),
  host('could-not', OLD, { result: 'failed', commit: OLD, target: NEW }),
  host('failed-to-ask', OLD, { result: 'failed' }),
  host('without-version', null, undefined, OLD),
  { hostId: 'never-heard', heartbeat: undefined, lastCommit: null },
  host('strange', 'x', { result: 7, target: {} }),
];

test('each release: how many run it, which of them are on trial, who could not take it', () => {
  const { releases } = rollOutProgress(RELEASES, hosts, () => null);
  assert.deepEqual(releases, [
    { number: 8, commit: NEW, percent: 25, paused: true, running: 5, onTrial: 2, failed: ['taken-back', 'could-not'] },
    { number: 7, commit: OLD, percent: 100, paused: false, running: 4, onTrial: 0, failed: [] },
    { number: 6, commit: ODD, percent: 0, paused: false, running: 0, onTrial: 0, failed: [] },
  ]);
});

test('the spread over commits: by distance from the head, the unknown last', () => {
  const distances = new Map([
    [NEW, 0],
    [OLD, 3],
  ]);
  const { spread } = rollOutProgress([], hosts, (commit) => distances.get(commit) ?? null);
  assert.deepEqual(spread, [
    { commit: NEW, hosts: 5, headDistance: 0 },
    { commit: OLD, hosts: 4, headDistance: 3 },
    { commit: 'x', hosts: 1, headDistance: null },
    { commit: null, hosts: 1, headDistance: null },
  ]);
});

test('nobody and nothing', () => {
  assert.deepEqual(
    rollOutProgress([], [], () => null),
    { releases: [], spread: [] },
  );
});
