// The pages for people: each can be found from the guide, every link leads somewhere, and every command in them is one that there is.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, test } from 'node:test';
import { mistakeIn, ownCommandLines } from '../support/command-lines.ts';
import { GOOD_COMMIT, TestFleet } from '../support/fleet.ts';
import { PROJECT_ROOT, Program } from '../support/program.ts';
import { put } from '../support/put.ts';
import { hasSystemPart } from '../support/system-part.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const PAGES = [
  'README.md',
  'AGENTS.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(PROJECT_ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  ...readdirSync(join(PROJECT_ROOT, 'docs/adr')).map((name) => `docs/adr/${name}`),
];

test('each page is linked from the guide, and the guide from the README', () => {
  const linked = new Set(linksIn('docs/README.md').map(({ path }) => path));
  const pages = PAGES.filter((page) => /^docs\/[^/]+\.md$/.test(page) && page !== 'docs/README.md');
  assert.ok(pages.length > 20);
  assert.deepEqual(
    pages.filter((page) => !linked.has(page)),
    [],
  );
  assert.ok(linksIn('README.md').some(({ path }) => path === 'docs/README.md'));
});

describe('links', () => {
  for (const page of PAGES) {
    test(page, () => {
      for (const { path, anchor, written } of linksIn(page)) {
        assert.ok(existsSync(join(PROJECT_ROOT, path)), `${written} leads to ${path}`);
        if (anchor) assert.ok(anchorsOf(path).includes(anchor), `${written}: ${path} has no such heading`);
      }
    });
  }
});

test('each test that guarantees.md names is there, and each of crashes and faults is named', () => {
  const page = readFileSync(join(PROJECT_ROOT, 'docs/guarantees.md'), 'utf8');
  const named = new Set([...page.matchAll(/`((?:src|test)\/[\w./-]+\.test\.ts)`/g)].map(([, path = '']) => path));
  assert.deepEqual(
    [...named].filter((path) => !existsSync(join(PROJECT_ROOT, path))),
    [],
  );
  const held = ['test/crash', 'test/fault'].flatMap((directory) =>
    readdirSync(join(PROJECT_ROOT, directory)).flatMap((name) =>
      name.endsWith('.test.ts') ? `${directory}/${name}` : [],
    ),
  );
  assert.deepEqual(
    held.filter((path) => !named.has(path)),
    [],
  );
});

describe('commands', () => {
  for (const page of PAGES) {
    const lines = shellIn(page).flatMap(ownCommandLines);
    if (lines.length === 0) continue;
    test(`${page}: ${lines.length}`, async () => {
      for (const args of lines) assert.equal(await mistakeIn(args), undefined, `cis490 ${args.join(' ')}`);
    });
  }

  test('what is wrong is seen', async () => {
    const shell = '# cis490 no\nsudo cis490 fleet --jsn | head; (cis490 alrts > x) && echo "$(bin/cis490 fleet show)"';
    const mistakes = await Promise.all(ownCommandLines(shell).map(mistakeIn));
    assert.deepEqual(mistakes.map((mistake) => mistake?.split('\n')[0]).sort(), [
      "error: missing required argument 'host'",
      "error: unknown command 'alrts'",
      "error: unknown option '--jsn'",
    ]);
  });
});

test('every example of the API reference is taken by a real receiver', async (t) => {
  if (!hasSystemPart(t, ['curl', '--version'], 'curl')) return;
  const root = temporaryDirectory(t);
  const fleet = await TestFleet.create(root);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  for (const name of ['run-17.tar.zst', 'host.csr', 'host.crt', 'host.key']) writeFileSync(join(root, name), name);
  assert.equal((await put(fleet.port, '/v1/episodes/lab-07/run-16.tar.zst', 'x')).status, 201);
  const page = readFileSync(join(PROJECT_ROOT, 'docs/api.md'), 'utf8');
  const examples = [...page.matchAll(/^### `(\w+) (\S+)`\n([\s\S]*?)```sh\n(curl .*)\n```/gm)];
  assert.equal(examples.length, [...page.matchAll(/^### `[A-Z]+ /gm)].length);
  for (const [, method = '', path = '', text = '', command = ''] of examples) {
    // A stream of events has no end: its headers are asked for alone.
    const headOnly = path === '/v1/events' ? '-I ' : '';
    const printing = command
      .replace('curl ', `curl ${headOnly}-s -m 60 -o answer -w '%{http_code}' `)
      .replace(/ -o (?!answer)\S+/, '');
    const ran = Program.command(
      'bash',
      ['-c', `cd ${root}; ${printing.replace(' --cert host.crt --key host.key', '')}`],
      {
        URL: fleet.url,
        auth: 'Accept: */*',
        COMMIT: GOOD_COMMIT,
        TOKEN: 'none',
      },
    );
    await ran.ended;
    const status = ran.stdout.trim();
    const known = [...text.matchAll(/\*\*(\d{3})\*\*|(?:: |· )(\d{3}) `/g)].map(([, good, bad]) => good ?? bad);
    const isTaken = known.includes(status) && !['400', '405', '415'].includes(status);
    const isEst = path.includes('/est/') && ['401', '404'].includes(status);
    assert.ok(isTaken || isEst, `${method} ${path}: ${command} answered ${status}, of ${known}: ${ran.stderr}`);
  }
});

function linksIn(page: string): { path: string; anchor: string | undefined; written: string }[] {
  const prose = readFileSync(join(PROJECT_ROOT, page), 'utf8')
    .replaceAll(/^ *```[\s\S]*?^ *```/gm, '')
    .replaceAll(/`[^`\n]*`/g, (code) => code.replaceAll(/[[\]()]/g, ' '));
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, written = '']) => written)
    .filter((written) => !/^[a-z]+:/.test(written))
    .map((written) => {
      const [path = '', anchor] = written.split('#');
      return { path: path === '' ? page : normalize(join(dirname(page), path)), anchor, written };
    });
}

/** As GitHub and Forgejo make them of headings. */
function anchorsOf(page: string): string[] {
  const text = readFileSync(join(PROJECT_ROOT, page), 'utf8').replaceAll(/^ *```[\s\S]*?^ *```/gm, '');
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** What is shell by its mark, and in transcripts what stands behind the prompt. */
function shellIn(page: string): string[] {
  const blocks = [...readFileSync(join(PROJECT_ROOT, page), 'utf8').matchAll(/^ *```(\w*)\n([\s\S]*?)^ *```/gm)];
  return blocks.flatMap(([, mark = '', text = '']) => {
    if (mark === 'sh') return [text];
    return [...text.matchAll(/^\$ (.*)$/gm)].map(([, line = '']) => line);
  });
}
