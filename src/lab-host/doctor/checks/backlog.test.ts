import assert from 'node:assert/strict';
import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { publishEpisode } from '../../../../test/support/episodes.ts';
import { META_FILE } from '../../../protocol/episode-meta.ts';
import { json, serve } from '../../transport/ping.fixture.ts';
import { COMMIT, labHost, type SickHost } from '../doctor.fixture.ts';
import { backlogCheck } from './backlog.ts';

const MINUTE_S = 60;

/** A shipper has just been at work. */
async function host(t: TestContext, more: SickHost = {}) {
  const context = await labHost(t, more);
  writeFileSync(context.layout.stateFile, '{"trouble":null}');
  const age = (path: string, seconds: number) =>
    utimesSync(path, Date.now() / 1000 - seconds, Date.now() / 1000 - seconds);
  const waits = (episodeId: string, seconds: number, commit: string | undefined = COMMIT) => {
    publishEpisode(context.layout.root, 'lab-1', { episodeId, commit, files: { x: 'x' } });
    age(join(context.layout.episodes, episodeId), seconds);
  };
  return { context, age, waits };
}

test('nothing waits, or nothing for long', async (t) => {
  const { context, waits } = await host(t);
  assert.equal((await backlogCheck.run(context)).summary, 'nothing waits');
  waits('e-1', 10 * MINUTE_S);
  const { status, summary } = await backlogCheck.run(context);
  assert.equal(status, 'green', summary);
  assert.match(summary, /^1 wait, the oldest for 10 min/);
});

for (const [minutes, status, toml] of [
  [61, 'yellow', ''],
  [121, 'red', ''],
  [61, 'red', '[doctor]\nbacklog_red_s = "1 h"'],
] as const) {
  test(`the oldest has waited ${minutes} min: ${status} ${toml}`, async (t) => {
    const { context, waits } = await host(t, { toml });
    waits('e-old', minutes * MINUTE_S);
    waits('e-new', 0);
    const found = await backlogCheck.run(context);
    assert.equal(found.status, status, found.summary);
    assert.match(found.summary, /^2 wait, the oldest for [12] h/);
    assert.match(
      found.cure ?? '',
      /shipper status .*\nsudo .*shipper --ping .*\nsudo systemctl restart cis490-shipper$/,
    );
  });
}

test('what the shipper itself says is told', async (t) => {
  const { context, waits } = await host(t);
  waits('e-1', 0);
  writeFileSync(context.layout.stateFile, JSON.stringify({ trouble: { kind: 'held', code: 'credential-invalid' } }));
  const { status, summary } = await backlogCheck.run(context);
  assert.equal(status, 'yellow');
  assert.match(summary, /the shipper says: held, credential-invalid$/);
});

test('a shipper that leaves no sign of itself is named; an idle one is not', async (t) => {
  const { context, age } = await host(t);
  const { stateFile, uptimeFile } = context.layout;
  age(stateFile, 20 * MINUTE_S);
  const silent = await backlogCheck.run(context);
  assert.equal(silent.status, 'yellow');
  assert.match(silent.summary, /cis490-shipper has left no sign of itself for 20 min/);
  assert.match(silent.cure ?? '', /^systemctl status cis490-shipper\n/);

  writeFileSync(uptimeFile, '{}');
  age(uptimeFile, 10 * MINUTE_S + 5);
  assert.equal((await backlogCheck.run(context)).status, 'green', 'it notes its uptime every ten minutes');
  age(uptimeFile, 12 * MINUTE_S);
  assert.equal((await backlogCheck.run(context)).status, 'yellow');
  assert.match((await backlogCheck.run(await labHost(t))).summary, /no shipper has ever worked on/);
});

test('an episode of many files is stamped as well as any other, however long its meta.json', async (t) => {
  const url = await serve(t, json(200, { ok: true, gate: { enabled: true, head: null } }));
  const { context, age, waits } = await host(t, { url });
  waits('e-many', 0);
  const directory = join(context.layout.episodes, 'e-many');
  const meta = JSON.parse(readFileSync(join(directory, META_FILE), 'utf8'));
  const files = Array.from({ length: 20_000 }, (_, index) => ({ path: `${index}`, bytes: 1, sha256: '0'.repeat(64) }));
  writeFileSync(join(directory, META_FILE), JSON.stringify({ ...meta, files }));
  age(directory, 0);
  const { status, summary } = await backlogCheck.run(context);
  assert.equal(status, 'green', summary);
});

test('what waits without a stamped commit is told, where the gate is known to be on', async (t) => {
  const on = await serve(t, json(200, { ok: true, gate: { enabled: true, head: null } }));
  const { context, waits } = await host(t, { url: on });
  waits('e-1', 0, '');
  const { status, summary, cure } = await backlogCheck.run(context);
  assert.equal(status, 'yellow');
  assert.match(summary, /; 1 without a stamped commit/);
  assert.match(cure ?? '', /quarantine-unstamped --dry-run .*\nsudo .*quarantine-unstamped --config /);

  const url = await serve(t, json(200, { ok: true, gate: { enabled: false, head: null } }));
  const open = await host(t, { url });
  open.waits('e-1', 0, '');
  assert.equal((await backlogCheck.run(open.context)).status, 'green');

  const unknown = await host(t);
  unknown.waits('e-1', 0, '');
  assert.equal((await backlogCheck.run(unknown.context)).status, 'green', 'no receiver answers');
});
