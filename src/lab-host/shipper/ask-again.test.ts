import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { makeDirectory, removeDirectory } from '../../../test/support/temporary-directory.ts';
import { formatWallTime } from '../../lib/clock.ts';
import { createLogger } from '../../lib/logger.ts';
import { type DataLayout, dataLayout, makeDataDirectories } from '../data-layout.ts';
import type { ReceiverAnswer } from '../transport/classify-answer.ts';
import { keepAsking } from './ask-again.ts';
import { writeReason } from './episode-notes.ts';

const MINUTE_MS = 60_000;
const STALE = 'a'.repeat(40);
const REFUSED = { verdict: 'refused', code: 'commit-not-in-window', head_commit: 'b'.repeat(40) };
const ACCEPTED = { verdict: 'accepted', head_commit: STALE };

let root: string;
let layout: DataLayout;

beforeEach(async () => {
  root = makeDirectory();
  layout = dataLayout(root);
  await makeDataDirectories(layout);
});
afterEach(() => removeDirectory(root));

async function quarantined(episodeId: string): Promise<void> {
  mkdirSync(join(layout.episodes, episodeId));
  writeFileSync(join(layout.episodes, episodeId, 'meta.json'), '{}');
  await writeReason(layout, {
    episode_id: episodeId,
    quarantined_at_wall: formatWallTime(Temporal.Now.instant()),
    status: 412,
    code: 'commit-not-in-window',
    detail: 'too old',
    remediation: 'git pull',
    commit: STALE,
    head_commit: null,
    attempts: 1,
  });
  renameSync(join(layout.episodes, episodeId), join(layout.quarantine, episodeId));
}

type Turn = 'in trouble' | number | Error | object;

/** One turn of the script each time it looks; time passes only by sleeping. Resolves with when the receiver was asked, in minutes. */
async function run(script: Turn[]) {
  const stop = new AbortController();
  let nowMs = 0;
  let turn = 0;
  const askedAt: number[] = [];
  const lines: string[] = [];
  const clock = {
    wallTime: () => formatWallTime(Temporal.Now.instant()),
    monotonicMs: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms;
      turn += 1;
      if (turn === script.length) stop.abort();
    },
  };
  const ask = async (): Promise<ReceiverAnswer> => {
    askedAt.push(nowMs / MINUTE_MS);
    const answer = script[turn];
    if (answer instanceof Error) throw answer;
    const [status, body] = typeof answer === 'number' ? [answer, {}] : [200, answer];
    return { status, contentType: 'application/json', body: JSON.stringify(body), retryAfterS: undefined };
  };
  const link = {
    get trouble() {
      return script[turn] === 'in trouble' ? {} : undefined;
    },
  };
  const logger = createLogger({ level: 'info', form: 'plain', clock, write: (line) => lines.push(line.trim()) });
  await keepAsking({ layout, transport: { ask } as never, clock, logger, link }, stop.signal);
  return { askedAt, lines };
}

test('what is still refused is asked about once an hour', async () => {
  await quarantined('e-1');
  await quarantined('e-2');
  assert.deepEqual(await run([REFUSED, REFUSED, REFUSED]), { askedAt: [0, 60, 120], lines: [] });
  assert.deepEqual(readdirSync(layout.quarantine).sort(), ['e-1', 'e-2']);
});

test('a receiver in trouble is left alone, and asked soon after it', async () => {
  await quarantined('e-1');
  const { askedAt } = await run(['in trouble', 'in trouble', REFUSED, REFUSED]);
  assert.deepEqual(askedAt, [10, 70]);
});

test('one that does not answer, or not what can be relied on, is asked again in five minutes', async () => {
  await quarantined('e-1');
  const { askedAt } = await run([new Error('reset'), 503, { verdict: 'unknown' }, ACCEPTED]);
  assert.deepEqual(askedAt, [0, 5, 10, 15]);
  assert.deepEqual([readdirSync(layout.quarantine), readdirSync(layout.episodes)], [[], ['e-1']]);
});

test('an older receiver, which does not know the question, is asked once an hour', async () => {
  await quarantined('e-1');
  assert.deepEqual((await run([404, 404])).askedAt, [0, 60]);
});

test('an empty quarantine asks nothing', async () => {
  assert.deepEqual((await run([REFUSED, REFUSED])).askedAt, []);
});

test('what cannot be put back is told, and tried again in an hour', async () => {
  await quarantined('e-1');
  mkdirSync(join(layout.root, 'queue-history.jsonl'));
  const { askedAt, lines } = await run([ACCEPTED, ACCEPTED]);
  assert.deepEqual([askedAt, lines.length], [[0, 60], 2]);
});
