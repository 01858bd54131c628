// A bag judged by the rules of RFC 8493, one by one, and by sha256sum: independent of what has made it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from './episodes.ts';

export interface CheckedBag {
  /** `host/episode`, in the order of the index. */
  episodes: string[];
  /** bag-info.txt, its labels and values. */
  info: [label: string, value: string][];
  /** What a second bag of the same content has, too: all but the date and what tells of it. */
  content: Map<string, string>;
}

const TOP = ['bag-info.txt', 'bagit.txt', 'data', 'manifest-sha256.txt', 'tagmanifest-sha256.txt'];

/** Throws unless it is a complete and valid bag, with a row for each episode and an episode for each row. */
export function checkBag(directory: string): CheckedBag {
  const text = (name: string) => readFileSync(join(directory, name), 'utf8');
  // The lock, and what episodes that could not be had have left, are not of the bag: hidden, and in no manifest.
  assert.deepEqual(
    readdirSync(directory)
      .filter((name) => !name.startsWith('.'))
      .sort(),
    TOP,
  );
  // 2.1.1
  assert.equal(text('bagit.txt'), 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n');
  // 2.1.3: each file of the payload once, and no other.
  const payload = filesBelow(directory, 'data');
  const manifest = readManifest(text('manifest-sha256.txt'));
  assert.deepEqual([...manifest.keys()].sort(), payload.sort());
  // 2.2.1
  const tags = readManifest(text('tagmanifest-sha256.txt'));
  assert.deepEqual([...tags.keys()].sort(), ['bag-info.txt', 'bagit.txt', 'manifest-sha256.txt']);
  for (const [path, digest] of [...manifest, ...tags]) {
    assert.equal(sha256(readFileSync(join(directory, path))), digest, path);
  }
  // 2.2.2
  const info = text('bag-info.txt')
    .trimEnd()
    .split('\n')
    .map((line): [string, string] => {
      const [, label = '', value = ''] = /^([^\s:][^:]*): (.+)$/.exec(line) ?? assert.fail(line);
      return [label, value];
    });
  const octets = payload.reduce((sum, path) => sum + statSync(join(directory, path)).size, 0);
  assert.deepEqual(valuesOf(info, 'Payload-Oxum'), [`${octets}.${payload.length}`]);
  assert.match(valuesOf(info, 'Bagging-Date').join(), /^\d{4}-\d\d-\d\d$/);

  for (const name of ['manifest-sha256.txt', 'tagmanifest-sha256.txt']) {
    execFileSync('sha256sum', ['--check', '--strict', '--quiet', name], { cwd: directory, stdio: 'pipe' });
  }
  const rows: { host_id: string; episode_id: string; path: string; sha256: string; bytes: number; seq: number }[] =
    text('data/index.jsonl')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  assert.deepEqual(
    rows.map(({ path }) => `data/${path}`).sort(),
    payload.filter((path) => path !== 'data/index.jsonl'),
  );
  rows.forEach((row, at) => {
    assert.equal(manifest.get(`data/${row.path}`), row.sha256);
    assert.ok(at === 0 || row.seq > (rows[at - 1]?.seq ?? 0), 'the rows are in order');
  });
  const undated = info.filter(([label]) => label !== 'Bagging-Date');
  const content = new Map([
    ...manifest,
    ['bag-info.txt', JSON.stringify(undated)],
    ['order', text('manifest-sha256.txt')],
  ]);
  return { episodes: rows.map((row) => `${row.host_id}/${row.episode_id}`), info, content };
}

export function valuesOf(info: CheckedBag['info'], label: string): string[] {
  return info.filter(([found]) => found === label).map(([, value]) => value);
}

function readManifest(text: string): Map<string, string> {
  const entries = text
    .split('\n')
    .filter(Boolean)
    .map((line): [string, string] => {
      const [, digest = '', path = ''] = /^([0-9a-f]{64}) {2}(\S+)$/.exec(line) ?? assert.fail(line);
      return [path, digest];
    });
  assert.ok(text.endsWith('\n'));
  assert.equal(new Map(entries).size, entries.length, 'nothing is named twice');
  return new Map(entries);
}

function filesBelow(directory: string, name: string): string[] {
  return readdirSync(join(directory, name), { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => {
      assert.ok(entry.isFile(), `${entry.name} is a plain file`);
      return join(entry.parentPath, entry.name).slice(directory.length + 1);
    })
    .sort();
}
