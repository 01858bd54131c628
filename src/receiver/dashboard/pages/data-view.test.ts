import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SequencedRow } from '../../../protocol/ledger-row.ts';
import { readDataQuestion } from './data-question.ts';
import { type DataFacts, dataView } from './data-view.ts';

const [A, B] = ['a'.repeat(40), 'b'.repeat(40)] as [string, string];
const NOW = '2026-05-03T12:00:00.000000+00:00';
const HOSTILE = '"><svg onload=alert(1)>\u202e';

function row(seq: number, more: Partial<SequencedRow> = {}): SequencedRow {
  const episode_id = `run-${seq}`;
  return {
    host_id: 'lab-1',
    episode_id,
    received_at_wall: '2026-05-03T11:57:00.000000+00:00',
    sha256: 'f'.repeat(64),
    bytes: 1024,
    path: `episodes/lab-1/${episode_id}.tar.zst`,
    commit: A,
    seq,
    ...more,
  };
}

function facts(query: Record<string, string> = {}, more: Partial<DataFacts> = {}): DataFacts {
  return {
    question: readDataQuestion(query, [A, B]),
    hosts: [
      { key: 'lab-1', episodes: 1200, sizeBytes: 3 * 1024 ** 2 },
      { key: 'lab-2', episodes: 2, sizeBytes: 5 * 1024 ** 2 },
    ],
    commits: [
      { key: A, episodes: 1201, sizeBytes: 7 * 1024 ** 2 },
      { key: null, episodes: 1, sizeBytes: 1024 ** 2 },
    ],
    days: [
      { key: '2026-05-02', episodes: 0, sizeBytes: 0 },
      { key: '2026-05-03', episodes: 4, sizeBytes: 1024 },
    ],
    hostsInDays: undefined,
    commitsInDays: undefined,
    ofHost: undefined,
    found: undefined,
    newest: { rows: [row(8), row(7)], nextBeforeSeq: 7 },
    distanceOf: (commit) => (commit === A ? 0 : null),
    origin: 'https://receiver.lab',
    needsCredential: true,
    now: NOW,
    ...more,
  };
}

async function render(of: DataFacts): Promise<string> {
  return String(await dataView(of).body);
}

test('totals, the biggest host first, the newest episode first, and how to take it out', async () => {
  const page = await render(facts());
  assert.match(page, /1,202<\/strong> episodes · <strong class="figure">8\.0 MiB<\/strong> · 2 hosts · 2 commits/);
  assert.ok(page.indexOf('?host=lab-2"') < page.indexOf('?host=lab-1"'));
  assert.ok(page.indexOf('/data/lab-1/run-8"') < page.indexOf('/data/lab-1/run-7"'));
  assert.match(page, /href="\/data\?before=7#episodes">Older/);
  assert.match(page, /cis490 export --receiver https:\/\/receiver\.lab --token-file reader\.token --out data-set</);
  assert.match(
    page,
    /curl -fsS -H &quot;Authorization: Bearer \$\(cat reader\.token\)&quot; https:\/\/receiver\.lab\/v1\/index/,
  );
  assert.match(
    page,
    />4 in the last 2 days; most on 2026-05-03: 4\.[\s\S]*>1\.0 KiB in the last 2 days; most on 2026-05-03: 1\.0 KiB\./,
  );
  const open = await render(facts({}, { needsCredential: false }));
  assert.doesNotMatch(open, /token/);
});

test('a selection goes into links and commands, and is counted where that is known', async () => {
  const byHost = await render(facts({ host: 'lab-1' }, { days: undefined, ofHost: [] }));
  assert.match(byHost, /Selected: 1,200 episodes, 3\.0 MiB\./);
  assert.match(byHost, /--host lab-1 --out data-set/);
  assert.match(byHost, /href="\/data\?host=lab-1&amp;before=7#episodes"/);
  assert.doesNotMatch(byHost, /id="by-hosts"/);
  const ofHost = [{ commit: A, episodes: 7, sizeBytes: 1024, lastSeq: 8 }];
  const both = await render(facts({ host: 'lab-1', commit: A }, { days: undefined, ofHost }));
  assert.match(both, /Selected: 7 episodes, 1\.0 KiB\./);
  const timed = await render(facts({ since: '2026-05-02T03:00:00Z' }, { days: undefined }));
  assert.doesNotMatch(timed, /Selected:|id="by-day"/);
  const inDays = [{ key: 'lab-2', episodes: 1, sizeBytes: 2048 }];
  const days = await render(facts({ since: '2026-05-02' }, { hostsInDays: inDays, commitsInDays: [] }));
  assert.match(days, /Selected: 1 episode, 2\.0 KiB\./);
});

test('only the first page is live', () => {
  assert.deepEqual(dataView(facts()).topics, ['stored', 'tick']);
  assert.deepEqual(dataView(facts({ before: '7' })).topics, []);
});

test('nothing is stored, nothing is selected, nothing so far', async () => {
  const empty = await render(facts({}, { hosts: [], commits: [] }));
  assert.match(empty, /Nothing is stored yet/);
  assert.match(empty, /cis490 shipper --ping/);
  const none = { rows: [], nextBeforeSeq: undefined };
  assert.match(await render(facts({ host: 'lab-9' }, { newest: none })), /No episode is stored of this selection/);
  const soFar = await render(facts({ host: 'lab-9' }, { newest: { rows: [], nextBeforeSeq: 3 } }));
  assert.match(soFar, /None so far: look further back/);
  assert.match(await render(facts({ episode: 'x' }, { found: [] })), /No episode of that name/);
});

test('an episode name that several hosts have leads to each', async () => {
  const found = ['lab-1', 'lab-2'].map((host_id) => ({ host_id, episode_id: 'run-7' }));
  const page = await render(facts({ episode: 'run-7' }, { found }));
  for (const { host_id } of found) assert.ok(page.includes(`href="/data/${host_id}/run-7"`));
});

test('a mistake stands beside its field, and what was typed is kept', async () => {
  const view = dataView(facts({ host: HOSTILE, since: 'yesterday', commit: A }));
  const page = String(await view.body);
  assert.match(page, /aria-invalid="true" aria-describedby="mistake-host"/);
  assert.match(page, /id="mistake-host">This is no host id/);
  assert.match(page, /name="since" type="text" value="yesterday"/);
  assert.doesNotMatch(page, /<svg onload/);
  assert.doesNotMatch(page, /id="episodes"|cis490 export/);
});

test('a ledger of an older receiver may name anything: it is text', async () => {
  const newest = {
    rows: [row(8, { host_id: HOSTILE, episode_id: HOSTILE, commit: HOSTILE })],
    nextBeforeSeq: undefined,
  };
  const tallies = [{ key: HOSTILE, episodes: 1, sizeBytes: 1 }];
  const page = await render(facts({}, { hosts: tallies, commits: tallies, newest }));
  assert.doesNotMatch(page, /\u202e|<svg onload|href="[^"]*onload|option value="[^"]*onload/);
  assert.match(page, /&lt;svg onload/);
});

test('a thousand hosts are told by the biggest, and in full when asked', async () => {
  const hosts = Array.from({ length: 1000 }, (_, index) => ({ key: `lab-${index}`, episodes: 1, sizeBytes: index }));
  const rowsIn = (page: string) => (/id="by-hosts"[\s\S]*?<\/table>/.exec(page)?.[0].match(/<tr>/g)?.length ?? 0) - 1;
  const short = await render(facts({}, { hosts }));
  assert.equal(rowsIn(short), 12);
  assert.match(short, /href="\/data\?all=hosts#by-hosts">All 1,000 hosts/);
  assert.equal(rowsIn(await render(facts({ all: 'hosts' }, { hosts }))), 1000);
});

test('of more than a thousand hosts or commits a table in full has the biggest thousand, and says how many more', async () => {
  const tallies = Array.from({ length: 1_300 }, (_, index) => ({
    key: index.toString(16).padStart(40, '0'),
    episodes: 2,
    sizeBytes: index + 1,
  }));
  const tableOf = (page: string, name: string) =>
    new RegExp(`id="by-${name}"[\\s\\S]*?</section>`).exec(page)?.[0] ?? '';
  for (const name of ['hosts', 'commits'] as const) {
    const short = tableOf(await render(facts({}, { [name]: tallies })), name);
    assert.match(short, new RegExp(`all=${name}#by-${name}">The biggest 1,000 of 1,300 ${name}</a>`));
    const full = tableOf(await render(facts({ all: name }, { [name]: tallies })), name);
    assert.equal(full.match(/<tr>/g)?.length, 1_001);
    assert.match(full, new RegExp(`And 300 ${name} more, with 600 episodes\\.`));
    assert.doesNotMatch(full, /class="more"/);
  }
});
