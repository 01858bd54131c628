import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { put } from '../../test/support/put.ts';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { systemClock } from '../lib/clock.ts';
import { loadConfig } from '../lib/config/load-config.ts';
import { parsePlainLogLine } from '../lib/log-line.ts';
import { createLogger } from '../lib/logger.ts';
import { runReceiver } from './app.ts';
import { receiverConfigDefinition } from './receiver-config.ts';

/** `listening` resolves with the port. */
function start(
  t: TestContext,
  gate: string,
  stop: AbortSignal,
): { ended: Promise<number>; listening: Promise<number> } {
  const root = temporaryDirectory(t);
  const configPath = join(root, 'receiver.toml');
  writeFileSync(configPath, `[listen]\nport = 0\n[store]\nroot = "store"\nmin_free = "0 B"\n[version_gate]\n${gate}\n`);
  const { promise: listening, resolve } = Promise.withResolvers<number>();
  const write = (line: string) => {
    const read = parsePlainLogLine(line.trimEnd());
    if (read?.message === 'receiver is listening') resolve(Number(new URL(read.fields['url'] ?? '').port));
  };
  const ended = runReceiver({
    config: loadConfig(receiverConfigDefinition, configPath).config,
    version: null,
    stop,
    logger: createLogger({ level: 'info', form: 'plain', clock: systemClock, write }),
    clock: systemClock,
  });
  return { ended, listening };
}

test('a stop that came before the start ends it at once', async (t) => {
  assert.equal(await start(t, 'enabled = false', AbortSignal.abort()).ended, 0);
});

test('a list of commits is the window itself, however long it is', async (t) => {
  const commits = ['a', 'b', 'c'].map((digit) => digit.repeat(40));
  const stop = new AbortController();
  t.after(() => stop.abort());
  const { ended, listening } = start(t, `window = 1\ncommits = ${JSON.stringify(commits)}`, stop.signal);
  const port = await listening;
  const statuses: number[] = [];
  for (const commit of [...commits, 'd'.repeat(40)]) {
    const target = `/v1/episodes/lab-07/${commit.slice(0, 4)}.tar.zst`;
    statuses.push((await put(port, target, commit, { 'X-Cis490-Code-Commit': commit })).status);
  }
  assert.deepEqual(statuses, [201, 201, 201, 412]);
  stop.abort();
  assert.equal(await ended, 0);
});
