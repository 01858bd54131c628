import assert from 'node:assert/strict';
import { chmodSync, chownSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { publishEpisode } from '../../../../test/support/episodes.ts';
import { COMMIT, labHost } from '../doctor.fixture.ts';
import { episodesCheck } from './episodes.ts';

/** The service runs as an ordinary user to whom all of it belongs, whoever runs this test. */
async function host(t: TestContext) {
  const context = await labHost(t);
  const { episodes, root } = context.layout;
  publishEpisode(root, 'lab-1', { episodeId: 'e-1', commit: COMMIT, files: { x: 'x' } });
  const episode = join(episodes, 'e-1');
  // Root may use everything: then it belongs to somebody else.
  if (process.getuid?.() === 0)
    for (const path of [episodes, episode, join(episode, 'x'), join(episode, 'meta.json')])
      chownSync(path, 54_321, 54_321);
  const { uid, gid } = statSync(episodes);
  const user = { name: 'recorder', group: 'lab', uid, gids: [gid] };
  return { context: { ...context, user }, episode };
}

test('what can be read is green, and so is nothing', async (t) => {
  const { context } = await host(t);
  assert.deepEqual(await episodesCheck.run(context), { status: 'green', summary: '3 entries can be read', cure: null });
  rmSync(context.layout.episodes, { recursive: true });
  assert.equal((await episodesCheck.run(context)).status, 'green');
  writeFileSync(context.layout.episodes, '');
  assert.match((await episodesCheck.run(context)).summary, /is no directory/);
});

test('episodes/ that belongs to somebody else is red', async (t) => {
  const { context } = await host(t);
  const user = { ...context.user, uid: context.user.uid + 1 };
  const { status, summary, cure } = await episodesCheck.run({ ...context, user });
  assert.equal(status, 'red');
  assert.match(summary, /belongs to uid \d+, and the shipper runs as recorder/);
  assert.equal(cure, `sudo chown -R recorder:lab ${context.layout.episodes}`);
});

for (const [what, at, mode, summary] of [
  ['a directory', '', 0o000, /e-1: recorder may not read and move it/],
  ['a file', 'x', 0o000, /e-1\/x: recorder may not read it/],
] as const) {
  test(`${what} that the service cannot read is red`, async (t) => {
    const { context, episode } = await host(t);
    chmodSync(join(episode, at), mode);
    t.after(() => chmodSync(join(episode, at), 0o755));
    const found = await episodesCheck.run(context);
    assert.equal(found.status, 'red');
    assert.match(found.summary, summary);
    assert.match(found.cure ?? '', /\nsudo chmod -R u\+rwX .*episodes$/);
  });
}

test('a name that is not UTF-8 is red', async (t) => {
  const { context } = await host(t);
  writeFileSync(Buffer.concat([Buffer.from(`${context.layout.episodes}/`), Buffer.from([0xff, 0x41])]), '');
  const { status, summary, cure } = await episodesCheck.run(context);
  assert.equal(status, 'red');
  assert.match(summary, /its name is not UTF-8/);
  assert.equal(cure, `ls -b ${context.layout.episodes}`);
});
