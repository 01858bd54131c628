import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EpisodeNames } from './episode-names.ts';

function addAll(ignoresCase: boolean, texts: string[]): string[] {
  const names = new EpisodeNames(ignoresCase);
  return texts.map((text) => {
    const [hostId = '', episodeId = ''] = text.split('/');
    const added = names.add({ hostId, episodeId });
    if (added.kind !== 'there') assert.equal(names.has({ hostId, episodeId }), added.kind === 'added', text);
    return added.kind === 'taken' ? `taken by ${added.first}` : added.kind;
  });
}

const TEXTS = ['lab-1/e', 'lab-1/E', 'lab-1/e', 'lab-1/E', 'lab-2/E', 'Lab-1/x', 'lab-1/x'];

test('each once; in the order they come, where names differ in case alone and the disk ignores it', () => {
  assert.deepEqual(addAll(false, TEXTS), ['added', 'added', 'there', 'there', 'added', 'added', 'added']);
  assert.deepEqual(addAll(true, TEXTS), [
    'added',
    'taken by lab-1/e',
    'there',
    'there',
    'added',
    'taken by lab-1',
    'added',
  ]);
});
