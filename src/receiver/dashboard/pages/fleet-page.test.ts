import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FleetHost } from '../../../protocol/answers.ts';
import { ACKNOWLEDGED, aHost, anAlert, aPicture, HEAD, textOf, wallAgo } from './fleet.fixture.ts';
import { readQuestion } from './fleet-order.ts';
import { changedRows, fleetPage } from './fleet-page.ts';
import type { FleetPicture } from './fleet-picture.ts';

const HOSTILE = '<img src=x onerror="alert(1)">\'&';

async function pageOf(picture: FleetPicture, query: Record<string, string> = {}): Promise<string> {
  return await textOf(fleetPage(picture, readQuestion(query)).body);
}

async function changed(picture: FleetPicture, query: Record<string, string>, ids: readonly string[]): Promise<string> {
  return await textOf(changedRows(picture, readQuestion(query), new Set(ids)).body);
}

function rowsIn(page: string): string[] {
  return [...page.matchAll(/<tr data-key="([^"]*)"/g)].map(([, id = '']) => id);
}

const silent = (id: string) =>
  aHost(id, { state: 'silent', alerts: [anAlert('silent', { suggested_fix: `ssh ${id} cis490 shipper --ping` })] });

test('the worst first, retired ones folded away', async () => {
  const page = await pageOf(aPicture([aHost('lab-1'), aHost('lab-2', { state: 'retired' }), silent('lab-3')]));
  assert.deepEqual(rowsIn(page), ['lab-3', 'lab-1', 'lab-2']);
  assert.match(page, /<details id="retired" data-live="retired"><summary>1 retired host<\/summary>.*data-key="lab-2"/s);
  assert.equal(page.match(/<h1>/g)?.length, 1);
  assert.match(page, /<h1>1 of 2 hosts needs you<\/h1>/);
});

test('one command for one cure, that of the first host', async () => {
  const page = await pageOf(aPicture([silent('lab-1'), silent('lab-2'), silent('lab-3')]));
  assert.deepEqual(page.match(/<pre tabindex="0">.*?<\/pre>/g), [
    '<pre tabindex="0">ssh lab-1 cis490 shipper --ping</pre>',
  ]);
  assert.match(page, /<a href="\/hosts\/lab-1">lab-1<\/a>, <a href="\/hosts\/lab-2">/);
});

test('what nobody is told of asks for nothing', async () => {
  const host = aHost('lab-1', { state: 'silent', alerts: [anAlert('silent', { acknowledged: ACKNOWLEDGED })] });
  const page = await pageOf(aPicture([host]));
  assert.match(page, /<section class="card tasks" id="first" data-live="first"[^>]* hidden>/);
});

test('more than four cures are folded away, none is left out', async () => {
  const hosts = Array.from({ length: 9 }, (_, index) =>
    aHost(`lab-${index}`, { state: 'sick', alerts: [anAlert('silent', { suggested_fix: `cure ${index}` })] }),
  );
  const page = await pageOf(aPicture(hosts));
  assert.match(page, /<summary>5 more<\/summary><ol start="5">/);
  assert.equal(page.match(/<pre tabindex="0">cure \d<\/pre>/g)?.length, 9);
});

test('a search that finds nothing keeps the table, and leads back', async () => {
  const page = await pageOf(aPicture([aHost('lab-1')]), { q: '"><script>', sort: 'name' });
  assert.deepEqual(rowsIn(page), ['']);
  assert.match(page, /No host matches. <a href="\/\?sort=name">Show all<\/a>/);
  assert.match(page, /value="&quot;&gt;&lt;script&gt;"/);
  assert.doesNotMatch(page, /<script>/);
});

test('states are links that keep the search, with how many each has', async () => {
  const page = await pageOf(aPicture([aHost('lab-1'), silent('lab-2')]), { q: 'lab', state: 'silent' });
  assert.deepEqual(rowsIn(page), ['lab-2']);
  assert.match(page, /href="\/\?q=lab&amp;state=silent" title="[^"]*" aria-current="true">silent <b>1<\/b>/);
  assert.match(page, /href="\/\?q=lab">all <b>2<\/b>/);
});

test('without a host it says how the first is added', async () => {
  const page = await pageOf(aPicture([], { monitorLate: { since: null } }));
  assert.match(page, /<h1>No lab host is known yet<\/h1>/);
  assert.match(page, /sudo cis490 ca token --host lab-01/);
  assert.doesNotMatch(page, /<table/);
});

test('what hosts say is shown and nothing else', async () => {
  const host: FleetHost = aHost(HOSTILE, {
    state: 'refused',
    commit: HOSTILE,
    head_distance: null,
    heartbeat: { received_at_wall: wallAgo(60), backlog: { episodes: 4 }, held: { count: 4, code: HOSTILE } },
    alerts: [anAlert('refused', { detail: HOSTILE, suggested_fix: HOSTILE })],
    doctor: { status: 'red', received_at_wall: wallAgo(60), red: [{ id: HOSTILE, meaning: '', cure: '' }] },
  });
  const page = await pageOf(aPicture([host], { cannotStore: [HOSTILE] }), { q: HOSTILE });
  assert.doesNotMatch(page, /<img|onerror="/);
  assert.match(page, /held: &lt;img src=x/);
});

test('an old heartbeat is doubted, one of another form says nothing', async () => {
  const old = aHost('lab-1', {
    heartbeat: { received_at_wall: wallAgo(3_600), backlog: { episodes: 12, oldest_s: 7_300 } },
  });
  const strange = aHost('lab-2', { heartbeat: { received_at_wall: wallAgo(60), backlog: 'none', held: ['x'] } });
  const page = await pageOf(aPicture([old, strange]));
  assert.match(page, />12, 2 h \?<\/span>/);
  assert.match(page, /held: not told why/);
});

test('a row that changed comes alone, with the one before it', async () => {
  const picture = aPicture([aHost('lab-1'), aHost('lab-2'), silent('lab-3')]);
  const page = await changed(picture, {}, ['lab-2', 'lab-3', 'gone']);
  assert.deepEqual(rowsIn(page), ['lab-3', 'lab-2']);
  assert.match(page, /data-key="lab-3" data-after=""/);
  assert.match(page, /data-key="lab-2" data-after="lab-1"/);
  for (const name of ['verdict', 'first', 'facts', 'states', 'matches'])
    assert.match(page, new RegExp(`data-live="${name}"`));
});

test('a row that the filter no longer shows is not among them', async () => {
  const picture = aPicture([aHost('lab-1'), silent('lab-3')]);
  assert.deepEqual(rowsIn(await changed(picture, { state: 'silent' }, ['lab-1', 'lab-3'])), ['lab-3']);
  assert.deepEqual(rowsIn(await changed(picture, { q: 'nobody' }, ['lab-1'])), ['']);
});

test('a row is the same alone and in the page, so that it is not taken for another', async () => {
  const picture = aPicture([aHost('lab-1', { commit: HEAD })]);
  const rowIn = (page: string) => /<tr data-key="lab-1".*?<\/tr>/.exec(page)?.[0].replace(' data-after=""', '');
  assert.equal(rowIn(await changed(picture, {}, ['lab-1'])), rowIn(await pageOf(picture)));
});
