// The data set's pages and the gate's, of a real receiver over real sockets.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, after as endOfAll, test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { packTar } from 'modern-tar';
import { GOOD_COMMIT, STALE_COMMIT, TestFleet } from '../../../../test/support/fleet.ts';
import { PROJECT_ROOT, Program } from '../../../../test/support/program.ts';
import { put, send } from '../../../../test/support/put.ts';
import { hasSystemPart } from '../../../../test/support/system-part.ts';
import { makeDirectory } from '../../../../test/support/temporary-directory.ts';
import { until } from '../../../../test/support/until.ts';

const CSV = 'time_wall,time_monotonic_s,load_1min\n2026-05-01T06:00:00+00:00,5,1\n2026-05-01T06:00:01+00:00,6,2\n';

async function pack(files: Record<string, string>): Promise<Buffer> {
  const entries = Object.entries(files).map(([path, body]) => ({
    header: { name: `e/${path}`, size: Buffer.byteLength(body) },
    body,
  }));
  return zstdCompressSync(await packTar(entries));
}

describe('the pages of the data set and of the gate', () => {
  let fleet: TestFleet;
  let receiver: Program;
  const get = (path: string) => send(fleet.port, path);
  const store = async (name: string, body: Uint8Array | string, headers: Record<string, string> = {}) =>
    (await put(fleet.port, `/v1/episodes/${name}.tar.zst`, body, headers)).status;

  before(async () => {
    fleet = await TestFleet.create(makeDirectory());
    receiver = await fleet.startReceiver();
    await until(async () => (await get('/data')).status === 200, 'the ledger is read');
  });
  endOfAll(() => receiver.kill());

  test('before anything is stored', async () => {
    assert.match((await get('/data')).text, /Nothing is stored yet/);
  });

  test('episodes are listed, found, selected and looked into', async () => {
    const telemetry = await pack({ 'meta.json': '{"workload":"telemetry"}', 'telemetry.csv': CSV });
    assert.equal(await store('lab-1/run-1', telemetry, { 'X-Cis490-Code-Dirty': '1' }), 201);
    for (const name of ['lab-1/run-2', 'lab-2/run-2', 'lab-2/run-3']) assert.equal(await store(name, name), 201);

    const all = await get('/data');
    const listed = [...all.text.matchAll(/<a href="\/data\/(lab-\d\/run-\d)">/g)].map(([, name]) => name);
    assert.deepEqual(listed, ['lab-2/run-3', 'lab-2/run-2', 'lab-1/run-2', 'lab-1/run-1']);
    assert.match(all.text, /<strong class="figure">4<\/strong> episodes/);
    const selected = (await get('/data?host=lab-1')).text;
    assert.match(selected, /Selected: 2 episodes/);
    assert.doesNotMatch(selected, /\/data\/lab-2\/run-3"/);
    assert.match((await get(`/data?commit=${GOOD_COMMIT.slice(0, 8)}`)).text, /Selected: 4 episodes/);
    for (const [field, text] of [
      ['since', 'tomorrow'],
      ['until', '0000-01-01'],
      ['since', '%2B010000-01-01T00:00:00Z'],
    ] as const)
      assert.match((await get(`/data?${field}=${text}`)).text, new RegExp(`id="mistake-${field}"`), text);
    for (const query of ['until=1970-01-01', 'since=1970-01-01', 'since=9999-12-31', 'until=9999-12-31'])
      assert.equal((await get(`/data?${query}`)).status, 200, query);

    assert.equal((await get('/data?episode=run-1')).headers.location, '/data/lab-1/run-1');
    assert.equal((await get('/data?episode=lab-2%2Frun-2.tar.zst')).headers.location, '/data/lab-2/run-2');
    assert.match((await get('/data?episode=run-2')).text, /2 hosts have an episode of that name/);
    assert.equal((await get('/data?host=lab-1&episode=run-2')).headers.location, '/data/lab-1/run-2');
    for (const name of ['run-9', '..%2F..%2Fetc', '%3Cscript%3E'])
      assert.match((await get(`/data?episode=${name}`)).text, /No episode of that name/, name);

    const episode = await get('/data/lab-1/run-1');
    for (const text of [
      /badge good">whole/,
      /&quot;workload&quot;/,
      /data-chart=/,
      /a modified tree/,
      />telemetry\.csv</,
    ])
      assert.match(episode.text, text);
    const foreign = (await get('/data/lab-1/run-2')).text;
    assert.match(foreign, /badge good">whole[\s\S]*The file itself is as it was stored/);
  });

  test('the commands of the pages do what they say', async (t) => {
    if (!hasSystemPart(t, ['curl', '--version'], 'curl')) return;
    const directory = makeDirectory();
    const run = async (page: string) => {
      const commands = [...(await get(page)).text.matchAll(/<pre[^>]*>([^<]*)<\/pre>/g)].map(([, text = '']) =>
        text.replaceAll('&#39;', "'").replaceAll('&quot;', '"').replaceAll('&gt;', '>'),
      );
      const script = commands.filter((text) => /^(?:curl|cis490) /.test(text)).join('\n');
      const path = `${join(PROJECT_ROOT, 'bin')}:${process.env['PATH']}`;
      const shell = Program.command('sh', ['-e', '-c', `cd ${directory}\n${script}`], { PATH: path });
      assert.equal((await shell.ended).code, 0, `${script}\n${shell.stderr}`);
      return shell.stdout;
    };
    assert.match(await run('/data/lab-1/run-1'), /run-1\.tar\.zst: OK[\s\S]*"workload":"telemetry"/);
    await run('/data?host=lab-1');
    assert.equal(readFileSync(join(directory, 'index.jsonl'), 'utf8').split('\n').length, 5);
    const taken = readdirSync(join(directory, 'data-set'), { recursive: true, encoding: 'utf8' });
    assert.deepEqual(
      taken
        .filter((path) => path.endsWith('.tar.zst'))
        .map((path) => path.split('/').slice(-2).join('/'))
        .sort(),
      ['lab-1/run-1.tar.zst', 'lab-1/run-2.tar.zst'],
    );
  });

  test('what is not there, what is damaged, what was retracted', async () => {
    for (const path of ['/data/lab-1/none', '/data/lab-9/run-1', '/data/-/run-1', '/data/lab-1/-'])
      assert.equal((await get(path)).status, 404, path);
    assert.equal(await store('lab-3/gone', 'x'), 201);
    assert.equal(await store('lab-3/other', 'x'), 201);
    rmSync(join(fleet.store, 'episodes/lab-3/gone.tar.zst'));
    rmSync(join(fleet.store, 'episodes/lab-3/other.tar.zst'));
    writeFileSync(join(fleet.store, 'episodes/lab-3/other.tar.zst'), 'y');
    assert.match((await get('/data/lab-3/gone')).text, /badge bad">missing[\s\S]*index verify/);
    assert.match((await get('/data/lab-3/other')).text, /badge bad">damaged[\s\S]*another digest/);
    assert.equal(await store('lab-3/wrong', 'z'), 201);
    const retraction = '/v1/episodes/lab-3/wrong.tar.zst?reason=wrong%20cable';
    assert.equal((await send(fleet.port, retraction, { method: 'DELETE' })).status, 200);
    const retracted = await get('/data/lab-3/wrong');
    assert.match(retracted.text, /Retracted<\/strong>[\s\S]*by this machine[\s\S]*wrong cable/);
    assert.equal((await get('/data?episode=wrong')).headers.location, '/data/lab-3/wrong');
    assert.doesNotMatch((await get('/data?host=lab-3')).text, /\/data\/lab-3\/wrong"/);
  });

  test('older episodes, a page at a time, each once', async () => {
    const names = Array.from({ length: 60 }, (_, index) => `many-${String(index).padStart(2, '0')}`);
    for (const name of names) assert.equal(await store(`lab-4/${name}`, name), 201);
    const seen: string[] = [];
    for (let path: string | undefined = '/data?host=lab-4'; path !== undefined; ) {
      const { text } = await get(path);
      seen.push(...[...text.matchAll(/<a href="\/data\/lab-4\/(many-\d\d)">/g)].map(([, name]) => name ?? ''));
      path = /rel="next" href="([^"#]*)/.exec(text)?.[1]?.replaceAll('&amp;', '&');
    }
    assert.deepEqual(seen, names.toReversed());
  });

  test('the gate: what it knows, and whom it has refused', async () => {
    assert.match((await get('/gate')).text, /badge good">fresh/);
    assert.equal(await store('lab-2/stale', 'x', { 'X-Cis490-Code-Commit': STALE_COMMIT }), 412);
    assert.equal(await store('lab-2/bare', 'x', { 'X-Cis490-Code-Commit': '' }), 400);
    const { text } = await get('/gate');
    assert.match(text, /commit-not-in-window<\/span>[\s\S]*?class="num">1<\/td><td class="num">1</);
    assert.match(text, /href="\/hosts\/lab-2">lab-2<\/a><\/th><td class="num">2</);
    assert.match(text, /at head/);
  });
});
