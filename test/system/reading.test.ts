// Reading what is stored: pages of episodes, their bytes or a part of them, the ledger as a stream, and retraction.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { sha256 } from '../support/episodes.ts';
import { GOOD_COMMIT, TestFleet } from '../support/fleet.ts';
import { readRows } from '../support/nothing-lost.ts';
import { eventually } from '../support/program.ts';
import { put, send } from '../support/put.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const OTHER_COMMIT = 'c'.repeat(40);
const GATE = `[version_gate]\ncommits = ["${GOOD_COMMIT}", "${OTHER_COMMIT}"]\n`;

interface Row {
  episode_id: string;
  host_id: string;
  seq: number;
  received_at_wall: string;
}

async function listed(port: number, query: string): Promise<{ episodes: Row[]; next_cursor: string | null }> {
  const answer = await send(port, `/v1/episodes${query}`);
  assert.equal(answer.status, 200, answer.text);
  return JSON.parse(answer.text);
}

describe('pages of episodes', () => {
  test('in order, by host, commit and time, followed by the cursor to the end', async (t) => {
    const fleet = await TestFleet.create(temporaryDirectory(t), GATE);
    const receiver = await fleet.startReceiver();
    t.after(() => receiver.kill());
    for (let index = 0; index < 12; index += 1) {
      const commit = index % 3 === 0 ? OTHER_COMMIT : GOOD_COMMIT;
      const target = `/v1/episodes/lab-${index % 2}/e${String(index).padStart(2, '0')}.tar.zst`;
      assert.equal((await put(fleet.port, target, `body ${index}`, { 'X-Cis490-Code-Commit': commit })).status, 201);
    }
    const all = await listed(fleet.port, '');
    assert.deepEqual(all.episodes, readRows(fleet.store));
    assert.equal(all.next_cursor, null);

    const ids = async (query: string) => {
      const found: string[] = [];
      for (let cursor: string | null = '0'; cursor !== null; ) {
        const page = await listed(fleet.port, `?limit=2&cursor=${cursor}${query}`);
        assert.ok(page.episodes.length <= 2);
        found.push(...page.episodes.map(({ episode_id }) => episode_id));
        cursor = page.next_cursor;
      }
      return found;
    };
    const every = Array.from({ length: 12 }, (_, index) => `e${String(index).padStart(2, '0')}`);
    assert.deepEqual(await ids(''), every);
    assert.deepEqual(
      await ids('&host=lab-1'),
      every.filter((_, index) => index % 2 === 1),
    );
    assert.deepEqual(
      await ids(`&commit=${OTHER_COMMIT.toUpperCase()}`),
      every.filter((_, index) => index % 3 === 0),
    );
    assert.deepEqual(await ids(`&host=lab-0&commit=${OTHER_COMMIT}`), ['e00', 'e06']);
    assert.deepEqual(await ids('&host=lab-9'), []);
    const seventh = encodeURIComponent(all.episodes[7]?.received_at_wall ?? '');
    assert.deepEqual(await ids(`&since=${seventh}`), every.slice(7));
    assert.deepEqual(await ids(`&until=${seventh}`), every.slice(0, 7));
    assert.deepEqual(await ids(`&since=${seventh}&until=${seventh}`), []);
    assert.deepEqual(await ids('&since=2000-01-01&until=2000-01-02T03:04:05Z'), []);
  });

  test('a query that makes no sense is told, not guessed', async (t) => {
    const fleet = await TestFleet.create(temporaryDirectory(t));
    const receiver = await fleet.startReceiver();
    t.after(() => receiver.kill());
    for (const [query, about] of [
      ['?limit=0', 'limit'],
      ['?limit=1001', 'limit'],
      ['?limit=many', 'limit'],
      ['?cursor=-1', 'cursor'],
      ['?since=yesterday', 'since'],
      ['?since=2026-05-01T06:30:00', 'since'],
      ['?host=../x', 'host'],
      ['?commit=abc', 'commit'],
      ['?limit=1&limit=2', 'limit'],
      ['?hosts=lab-1', 'hosts'],
    ] as const) {
      const answer = await send(fleet.port, `/v1/episodes${query}`);
      assert.equal(answer.status, 400, query);
      assert.equal(answer.json['code'], 'bad-query', query);
      assert.match(String(answer.json['detail']), new RegExp(about), query);
    }
  });
});

describe('one episode', () => {
  test('whole, in part, or not again when it is known', async (t) => {
    const fleet = await TestFleet.create(temporaryDirectory(t));
    const receiver = await fleet.startReceiver();
    t.after(() => receiver.kill());
    const target = '/v1/episodes/lab-1/e.tar.zst';
    const body = randomBytes(300_000);
    await put(fleet.port, target, body);
    const etag = `"${sha256(body)}"`;
    const digest = `sha-256=:${Buffer.from(sha256(body), 'hex').toString('base64')}:`;

    const get = async (headers: Record<string, string>, method = 'GET') => {
      const outgoing = request({
        host: '127.0.0.1',
        port: fleet.port,
        method,
        path: target,
        headers,
        agent: false,
      }).end();
      const [response] = await once(outgoing, 'response');
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      return { status: response.statusCode, headers: response.headers, bytes: Buffer.concat(chunks) };
    };
    const whole = await get({});
    assert.equal(whole.status, 200);
    assert.deepEqual(whole.bytes, body);
    for (const answer of [whole, await get({}, 'HEAD'), await get({ Range: 'bytes=5-9' })]) {
      assert.equal(answer.headers.etag, etag);
      assert.equal(answer.headers['repr-digest'], digest);
      assert.equal(answer.headers['accept-ranges'], 'bytes');
    }
    assert.equal((await get({}, 'HEAD')).headers['content-length'], '300000');

    const parts: [range: string, start: number, end: number][] = [
      ['bytes=0-0', 0, 0],
      ['bytes=5-9', 5, 9],
      ['bytes=299999-', 299_999, 299_999],
      ['bytes=-10', 299_990, 299_999],
      ['bytes=100-999999999', 100, 299_999],
    ];
    for (const [range, start, end] of parts) {
      const answer = await get({ Range: range });
      assert.equal(answer.status, 206, range);
      assert.equal(answer.headers['content-range'], `bytes ${start}-${end}/300000`);
      assert.equal(answer.headers['content-length'], String(end - start + 1));
      assert.deepEqual(answer.bytes, body.subarray(start, end + 1), range);
    }
    for (const range of ['bytes=0-1,5-6', 'lines=0-1', 'nonsense']) {
      assert.equal((await get({ Range: range })).bytes.length, 300_000, range);
    }
    const beyond = await get({ Range: 'bytes=300000-' });
    assert.equal(beyond.status, 416);
    assert.equal(beyond.headers['content-range'], 'bytes */300000');
    assert.equal((await get({ Range: 'bytes=5-9', 'If-Range': etag })).status, 206);
    assert.equal((await get({ Range: 'bytes=5-9', 'If-Range': '"another"' })).status, 200);
    for (const known of [etag, `"x", W/${etag}`, '*']) {
      const answer = await get({ 'If-None-Match': known });
      assert.equal(answer.status, 304, known);
      assert.equal(answer.bytes.length, 0);
    }
    assert.equal((await get({ 'If-None-Match': '"x"' })).status, 200);
  });

  test("a row whose file has gone is the receiver's failure, and a new PUT of the same bytes cures it", async (t) => {
    const fleet = await TestFleet.create(temporaryDirectory(t));
    const receiver = await fleet.startReceiver();
    t.after(() => receiver.kill());
    const target = '/v1/episodes/lab-1/e.tar.zst';
    await put(fleet.port, target, 'body');
    const { rmSync } = await import('node:fs');
    rmSync(join(fleet.store, 'episodes/lab-1/e.tar.zst'));
    for (const method of ['GET', 'HEAD'])
      assert.equal((await send(fleet.port, target, { method })).status, 500, method);
    assert.equal((await send(fleet.port, target)).json['code'], 'file-missing');
    await receiver.printed(
      /ERROR the file of a stored episode is missing or has another size host=lab-1 episode=e cure="cis490 index verify"/,
    );
    assert.equal((await put(fleet.port, target, 'body')).status, 200);
    assert.equal((await send(fleet.port, target)).text, 'body');
  });
});

describe('the ledger as a stream', () => {
  test('from any point on, and followed: a line comes once it is durable, and the stream ends with the receiver', async (t) => {
    const fleet = await TestFleet.create(temporaryDirectory(t));
    const receiver = await fleet.startReceiver();
    t.after(() => receiver.kill());
    for (const id of ['a', 'b', 'c']) await put(fleet.port, `/v1/episodes/lab-1/${id}.tar.zst`, id);
    const lines = async (query: string) => {
      const answer = await send(fleet.port, `/v1/index${query}`);
      assert.equal(answer.headers['content-type'], 'application/x-ndjson');
      return answer.text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line));
    };
    assert.deepEqual(await lines(''), readRows(fleet.store));
    assert.deepEqual(
      (await lines('?after=2')).map(({ episode_id }) => episode_id),
      ['c'],
    );
    assert.deepEqual(await lines('?after=99'), []);
    assert.equal((await send(fleet.port, '/v1/index?after=x')).json['code'], 'bad-query');

    const outgoing = request({
      host: '127.0.0.1',
      port: fleet.port,
      path: '/v1/index?after=1&follow=1',
      agent: false,
    }).end();
    const [response] = await once(outgoing, 'response');
    const followed: { episode_id: string; retracted_at_wall?: string }[] = [];
    const ended = (async () => {
      for await (const line of createInterface({ input: response })) followed.push(JSON.parse(line));
    })();
    await eventually(() => followed.length === 2, 'the rows that were there are followed');
    for (const id of ['d', 'e']) await put(fleet.port, `/v1/episodes/lab-2/${id}.tar.zst`, id);
    await send(fleet.port, '/v1/episodes/lab-2/d.tar.zst?reason=broken', { method: 'DELETE' });
    await eventually(() => followed.length === 5, 'what came later is followed');
    assert.deepEqual(
      followed.map(({ episode_id }) => episode_id),
      ['b', 'c', 'd', 'e', 'd'],
    );
    assert.ok(followed[4]?.retracted_at_wall);
    assert.deepEqual(await receiver.stop(), { code: 0, signal: null });
    await ended;
    assert.equal(response.complete, true, 'its end is a proper one');
  });

  test('as many followers as are served, and no more; who leaves makes room', async (t) => {
    const fleet = await TestFleet.create(temporaryDirectory(t));
    const receiver = await fleet.startReceiver();
    t.after(() => receiver.kill());
    await put(fleet.port, '/v1/episodes/lab-1/a.tar.zst', 'a');
    const follow = async () => {
      const outgoing = request({ host: '127.0.0.1', port: fleet.port, path: '/v1/index?follow=1', agent: false });
      outgoing.on('error', () => undefined);
      outgoing.end();
      const [response] = await once(outgoing, 'response');
      return { outgoing, status: response.statusCode };
    };
    const followers = await Promise.all(Array.from({ length: 64 }, follow));
    assert.ok(followers.every(({ status }) => status === 200));
    const refused = await send(fleet.port, '/v1/index?follow=1');
    assert.equal(refused.json['code'], 'too-many-followers');
    assert.ok(Number(refused.headers['retry-after']) > 0);
    followers[0]?.outgoing.destroy();
    await eventually(async () => (await follow()).status === 200, 'there is room for another follower');
    for (const { outgoing } of followers) outgoing.destroy();
  });
});

test('a retracted episode is gone for good, and the ledger says who, when and why', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  let receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const target = '/v1/episodes/lab-1/bad.tar.zst';
  for (const id of ['good', 'bad']) await put(fleet.port, `/v1/episodes/lab-1/${id}.tar.zst`, id);
  const retract = (query: string) => send(fleet.port, `${target}${query}`, { method: 'DELETE' });
  assert.equal((await retract('')).json['code'], 'bad-query');
  assert.equal((await retract('?reason=%20')).json['code'], 'bad-query');
  assert.equal(
    (await send(fleet.port, '/v1/episodes/lab-1/never.tar.zst?reason=x', { method: 'DELETE' })).json['code'],
    'not-found',
  );
  const first = await retract('?reason=the%20sensor%20was%20upside%20down');
  assert.equal(first.status, 200);
  const { retracted_at_wall, ...tombstone } = first.json;
  assert.deepEqual(tombstone, {
    host_id: 'lab-1',
    episode_id: 'bad',
    reason: 'the sensor was upside down',
    by: 'this machine',
    seq: 3,
  });
  assert.deepEqual((await retract('?reason=again')).json, first.json, 'the first word stands');

  const stands = async () => {
    assert.ok(!existsSync(join(fleet.store, 'episodes/lab-1/bad.tar.zst')));
    assert.equal((await send(fleet.port, target)).json['code'], 'gone');
    assert.equal((await send(fleet.port, target, { method: 'HEAD' })).status, 410);
    for (const body of ['bad', 'another']) {
      const again = await put(fleet.port, target, body);
      assert.equal(again.status, 409);
      assert.equal(again.json['code'], 'retracted');
      assert.match(String(again.json['detail']), /the sensor was upside down/);
    }
    assert.deepEqual(
      (await listed(fleet.port, '')).episodes.map(({ episode_id }) => episode_id),
      ['good'],
    );
    assert.deepEqual(readRows(fleet.store).at(-1), first.json);
  };
  await stands();
  await receiver.kill();
  receiver = await fleet.startReceiver();
  await stands();
  assert.equal((await put(fleet.port, '/v1/episodes/lab-1/next.tar.zst', 'x')).json['seq'], 4);
  assert.match(String(retracted_at_wall), /^\d{4}-\d\d-\d\dT.*\+00:00$/);
});

test('a damaged file is never acknowledged as stored: the good bytes take its place, and the bad ones are kept', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const target = '/v1/episodes/lab-1/e.tar.zst';
  const body = randomBytes(100_000);
  await put(fleet.port, target, body);
  const path = join(fleet.store, 'episodes/lab-1/e.tar.zst');
  const { chmodSync, readdirSync, readFileSync, truncateSync } = await import('node:fs');
  chmodSync(path, 0o644);
  truncateSync(path, 10);
  const again = await put(fleet.port, target, body);
  assert.equal(again.status, 200);
  assert.deepEqual(readFileSync(path), body);
  const aside = readdirSync(join(fleet.store, 'damaged'));
  assert.equal(aside.length, 1);
  assert.deepEqual(readFileSync(join(fleet.store, 'damaged', aside[0] ?? '')), body.subarray(0, 10));
  await receiver.printed(
    /ERROR a stored file was damaged: set aside, and taken anew from its host host=lab-1 episode=e/,
  );
  assert.equal(readRows(fleet.store).length, 1);
});

test('a tombstone stands also where the line of its row is damaged', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  let receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const target = '/v1/episodes/lab-1/bad.tar.zst';
  await put(fleet.port, target, 'bad');
  await send(fleet.port, `${target}?reason=x`, { method: 'DELETE' });
  await receiver.stop();
  const { readFileSync, rmSync, writeFileSync } = await import('node:fs');
  const index = join(fleet.store, 'index.jsonl');
  writeFileSync(index, readFileSync(index, 'utf8').replace(/^.*\n/, 'damaged\n'));
  rmSync(join(fleet.store, 'state.db'));
  receiver = await fleet.startReceiver();
  assert.equal((await put(fleet.port, target, 'bad')).json['code'], 'retracted');
  assert.equal((await send(fleet.port, target)).json['code'], 'gone');
  assert.ok(!existsSync(join(fleet.store, 'episodes/lab-1/bad.tar.zst')));
});
