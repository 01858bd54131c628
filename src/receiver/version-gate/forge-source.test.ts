import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { FORGE_FAULTS, type ForgeFault, type ForgeManners, TestForge } from '../../../test/support/forge.ts';
import { GitRepository } from '../../../test/support/git-repository.ts';
import { makeDirectory, removeDirectory } from '../../../test/support/temporary-directory.ts';
import { AppError } from '../../lib/app-error.ts';
import { Secret } from '../../lib/config/secret-file.ts';
import { forgeSource, repositoryUrl } from './forge-source.ts';
import { TestClock } from './gate.fixture.ts';

const TOKEN = 'a-token-that-nobody-may-see';
const root = makeDirectory();
let history: GitRepository;
let commits: string[];

before(() => {
  history = new GitRepository(join(root, 'history'));
  history.commitMany(120);
  commits = history.run('log', '--format=%H').split('\n');
  history.run('branch', 'older', commits[60] ?? '');
});
after(() => removeDirectory(root));

interface Setting {
  window?: number;
  branch?: string;
  manners?: ForgeManners;
  repository?: GitRepository;
  token?: string;
}

async function open(t: TestContext, setting: Setting = {}) {
  const { window = 100, branch = 'main', manners = {}, repository = history, token = TOKEN } = setting;
  const forge = await TestForge.start(repository, manners);
  t.after(() => forge.close());
  const clock = new TestClock();
  const options = { forgejoUrl: `${forge.url}/`, owner: 'lab', name: 'recorder', branch, window, clock };
  const source = forgeSource({ ...options, token: token === '' ? undefined : new Secret(token) });
  return { forge, source, clock };
}

describe('a forge that is well', () => {
  test('is asked as its API wants it, with the token in the header alone', async (t) => {
    const { forge, source } = await open(t, { window: 10, branch: 'older' });
    assert.deepEqual(await source.read(), { commits: commits.slice(60, 110), source: 'forgejo' });
    assert.deepEqual(forge.targets, [
      '/api/v1/repos/lab/recorder/commits?sha=older&limit=50&page=1&stat=false&verification=false&files=false',
    ]);
    assert.deepEqual(forge.authorizations, [`token ${TOKEN}`]);
  });

  test('is asked without a header where there is no token', async (t) => {
    const { forge, source } = await open(t, { token: '' });
    await source.read();
    assert.deepEqual(new Set(forge.authorizations), new Set([undefined]));
  });

  const cases: [title: string, window: number, ForgeManners, pages: number[], known: number][] = [
    ['one page suffices', 50, {}, [1], 50],
    ['two pages', 100, {}, [1, 2, 1], 100],
    ['more than there is', 1_000, {}, [1, 2, 3, 1], 120],
    ['a Link header ends it', 1_000, { tellsMore: 'link' }, [1, 2, 3, 1], 120],
    ['without a word on further pages an empty one ends it', 1_000, { tellsMore: 'no' }, [1, 2, 3, 4, 1], 120],
    ['shorter pages than asked for', 100, { mostPerPage: 30, tellsMore: 'no' }, [1, 2, 3, 4, 1], 120],
    ['each page is the first', 100, { ignoresPage: true, tellsMore: 'no' }, [1, 2, 1], 50],
  ];
  for (const [title, window, manners, pages, known] of cases) {
    test(title, async (t) => {
      const { forge, source } = await open(t, { window, manners });
      assert.deepEqual((await source.read()).commits, commits.slice(0, known));
      assert.deepEqual(forge.pages, pages);
    });
  }

  test('the same head is the same history: one page tells it', async (t) => {
    const repository = new GitRepository(join(root, 'moving'));
    repository.commitMany(60);
    const { forge, source } = await open(t, { repository });
    const first = await source.read();
    forge.pages.length = 0;
    assert.equal(await source.read(), first);
    assert.deepEqual(forge.pages, [1]);
    const fresh = repository.commit('fresh');
    assert.deepEqual((await source.read()).commits, [fresh, ...first.commits]);
    assert.deepEqual(forge.pages, [1, 1, 2, 1]);
  });

  test('no timer is left behind', async (t) => {
    const { source, clock } = await open(t);
    await source.read();
    assert.equal(clock.sleeping, 0);
  });
});

describe('a branch that moves while its pages are read', () => {
  async function openMoving(t: TestContext, moves: number) {
    const repository = new GitRepository(join(root, `moves-${moves}`));
    repository.commitMany(60);
    repository.run('branch', 'other', 'main~30');
    let left = moves;
    const afterPage = (page: number) => {
      if (page !== 2 || left === 0) return;
      left -= 1;
      // Rewritten, so that pages of two histories share few commits.
      repository.run('reset', '--quiet', '--hard', 'other');
      repository.commitMany(40, `move ${left}`);
    };
    return { repository, ...(await open(t, { repository, manners: { afterPage } })) };
  }

  test('is read anew, and what is told is one history', async (t) => {
    const { repository, forge, source } = await openMoving(t, 2);
    assert.deepEqual((await source.read()).commits, repository.run('log', '--format=%H').split('\n'));
    assert.deepEqual(forge.pages, [1, 2, 1, 1, 2, 1, 1, 2, 1]);
  });

  test('again and again is a failure', async (t) => {
    const { source } = await openMoving(t, 1_000);
    await assert.rejects(source.read(), { code: 'gate-source-failed', message: /moved 3 times while/ });
  });
});

describe('a forge that is ill', () => {
  const words: Record<ForgeFault, RegExp> = {
    refused: /ECONNREFUSED/,
    'error-500': /answered 500 Internal Server Error$/,
    redirect: /answered 302, a redirect to \/user\/login$/,
    'login-page': /the answer is not JSON \(text\/html\)/,
    'wrong-json': /answered JSON that is no list of commits/,
    'bad-sha': /answered JSON that is no list of commits/,
    'empty-list': /answered with an empty list of commits|promised a page 2 and answered it with nothing/,
    'empty-body': /the answer is not JSON/,
    'cut-off': /other side closed|terminated|aborted/i,
    hangs: /no whole answer within 10 s/,
    trickles: /no whole answer within 10 s/,
    endless: /the answer is longer than 8 MiB/,
  };

  for (const fault of FORGE_FAULTS) {
    for (const faultFromPage of fault === 'refused' ? [1] : [1, 2]) {
      test(`${fault} from page ${faultFromPage} on fails the reading, in one line with a cure, without the token`, async (t) => {
        const { forge, source, clock } = await open(t, { manners: { faultFromPage } });
        await forge.ail(fault);
        const reading = source.read();
        reading.catch(() => undefined);
        if (fault === 'hangs' || fault === 'trickles') {
          await forge.asked(faultFromPage - 1);
          clock.advance(9_999);
          clock.advance(1);
        }
        const error = await reading.then(
          () => assert.fail('it was told a branch'),
          (failure: unknown) => failure,
        );
        assert.ok(error instanceof AppError);
        assert.equal(error.code, 'gate-source-failed');
        assert.equal(error.retryable, true);
        assert.match(error.message, words[fault]);
        assert.ok(error.message.startsWith(`${forge.url}/api/v1/repos/lab/recorder/commits?sha=main`), error.message);
        assert.match(error.hint ?? '', /^try it as the receiver's user: curl -sSi .*'http/);
        assert.doesNotMatch(`${error.message} ${error.hint}`, /\n/);
        for (const text of [error.message, error.hint ?? '', String(error.stack), String(error.cause)]) {
          assert.ok(!text.includes(TOKEN), text);
        }
        assert.equal(clock.sleeping, 0);

        await forge.ail(undefined);
        assert.equal((await source.read()).commits.length, 100);
      });
    }
  }

  for (const [status, word] of [
    [401, /token in auth_token_file is missing or not accepted/],
    [404, /no such repository or branch/],
  ] as const) {
    test(`${status} says what it may mean`, async (t) => {
      const { createServer } = await import('node:http');
      const server = createServer((_, response) => response.writeHead(status).end(TOKEN));
      t.after(() => server.close());
      const port = await new Promise<number>((resolve) => {
        server.listen(0, '127.0.0.1', () => {
          const address = server.address();
          resolve(typeof address === 'object' && address ? address.port : 0);
        });
      });
      const source = forgeSource({
        forgejoUrl: `http://127.0.0.1:${port}`,
        owner: 'lab',
        name: 'recorder',
        branch: 'main',
        window: 1,
        token: undefined,
        clock: new TestClock(),
      });
      await assert.rejects(source.read(), { code: 'gate-source-failed', message: word });
      server.closeAllConnections();
    });
  }

  test('a token that no header can carry is not shown either', async (t) => {
    const { source } = await open(t, { token: 'line one\nline two' });
    await assert.rejects(source.read(), (error: AppError) => {
      assert.match(error.message, /holds characters that no header can carry/);
      assert.doesNotMatch(`${error.message} ${error.hint} ${error.stack} ${String(error.cause)}`, /line one/);
      return true;
    });
  });

  test('a reading ends at once when the gate closes', async (t) => {
    const { forge, source } = await open(t);
    await forge.ail('hangs');
    const closing = new AbortController();
    const reading = source.read(closing.signal);
    const ended = assert.rejects(reading, { code: 'gate-source-failed', message: /the receiver is stopping/ });
    await forge.asked(0);
    closing.abort();
    await ended;
  });
});

describe('the address', () => {
  const names = { owner: 'lab', name: 'recorder' };
  for (const [given, made] of [
    ['https://git.example.org', 'https://git.example.org/api/v1/repos/lab/recorder'],
    ['https://git.example.org/', 'https://git.example.org/api/v1/repos/lab/recorder'],
    ['https://example.org:8443/forge//?x=1#y', 'https://example.org:8443/forge/api/v1/repos/lab/recorder'],
    ['https://user:secret@git.example.org', 'https://git.example.org/api/v1/repos/lab/recorder'],
  ] as const) {
    test(given, () => assert.equal(repositoryUrl({ forgejoUrl: given, ...names }).href, made));
  }
});
