import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SequencedRow } from '../../../protocol/ledger-row.ts';
import type { FoundEpisode } from '../../../storage/ledger.ts';
import { readDataQuestion } from './data-question.ts';
import { findEpisodes } from './find-episodes.ts';

const HOSTS = Array.from({ length: 100 }, (_, index) => ({ key: `lab-${index}` }));
const STAYS = new AbortController().signal;

/** Every host has the episode; `asked` has who was looked at. */
function setUp() {
  const asked: string[] = [];
  const find = async (host_id: string, episode_id: string): Promise<FoundEpisode> => {
    asked.push(host_id);
    return { row: { host_id, episode_id } as SequencedRow };
  };
  return { asked, ledger: { find } };
}

test('every host is looked at, in order, and a few at a time: others have their turn in between', async () => {
  const { asked, ledger } = setUp();
  const seen: number[] = [];
  let isDone = false;
  const look = () => {
    seen.push(asked.length);
    if (!isDone) setImmediate(look);
  };
  setImmediate(look);
  const found = await findEpisodes(ledger, readDataQuestion({ episode: 'run-1' }, []), HOSTS, STAYS);
  isDone = true;
  assert.deepEqual(
    found.map(({ host_id }) => host_id),
    HOSTS.map(({ key }) => key),
  );
  assert.deepEqual(asked.length, 100);
  const steps = seen.map((count, index) => count - (seen[index - 1] ?? 0));
  assert.ok(seen.length >= 6 && steps.every((step) => step <= 16), `${seen}`);
});

test('nobody is looked at any more once the reader has left', async () => {
  const { asked, ledger } = setUp();
  const left = new AbortController();
  setImmediate(() => left.abort());
  const question = readDataQuestion({ episode: 'run-1' }, []);
  await assert.rejects(findEpisodes(ledger, question, HOSTS, left.signal), { name: 'AbortError' });
  assert.ok(asked.length <= 32, `${asked.length} hosts`);
});

const QUESTIONS: [what: string, query: Record<string, string>, asked: string[]][] = [
  ['a host before the name', { episode: 'lab-7/run-1' }, ['lab-7']],
  ['a host in its own field', { host: 'lab-8', episode: 'run-1' }, ['lab-8']],
  ['both: the one before the name', { host: 'lab-8', episode: 'lab-7/run-1' }, ['lab-7']],
  ['no host id', { episode: '../run-1' }, []],
  ['no episode id', { episode: '..' }, []],
];
for (const [what, query, expected] of QUESTIONS) {
  test(`${what}: ${expected.join(', ') || 'nobody'} is asked`, async () => {
    const { asked, ledger } = setUp();
    await findEpisodes(ledger, readDataQuestion(query, []), [...HOSTS, { key: null }], STAYS);
    assert.deepEqual(asked, expected);
  });
}
