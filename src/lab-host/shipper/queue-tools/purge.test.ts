import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../../../../test/support/temporary-directory.ts';
import { systemClock } from '../../../lib/clock.ts';
import { parsePlainLogLine } from '../../../lib/log-line.ts';
import { createLogger } from '../../../lib/logger.ts';
import { dataLayout, makeDataDirectories } from '../../data-layout.ts';
import { purge } from './purge.ts';
import type { QueueStep } from './queue-tools.ts';

test('what cannot be deleted keeps none of the others, and is told with the place where it lies now', async (t) => {
  const layout = dataLayout(temporaryDirectory(t));
  await makeDataDirectories(layout);
  for (const name of ['first', 'second']) {
    mkdirSync(join(layout.quarantine, name));
    const reason = { episode_id: name, quarantined_at_wall: '2026-05-01T06:37:53.830599+00:00', code: 'conflict' };
    writeFileSync(join(layout.quarantine, name, 'quarantine_reason.json'), JSON.stringify(reason));
  }
  const lines: string[] = [];
  let isFailing = true;
  const told: string[] = [];
  const code = await purge(
    {
      layout,
      clock: systemClock,
      by: 'test',
      output: { write: (text) => void told.push(text) },
      logger: createLogger({ level: 'info', form: 'plain', clock: systemClock, write: (line) => lines.push(line) }),
      // In place of what a disk that fails would say.
      afterStep: (step: QueueStep) => {
        if (step !== 'taking-out-synced' || !isFailing) return;
        isFailing = false;
        throw Object.assign(new Error('EIO: i/o error, rmdir'), { code: 'EIO' });
      },
    },
    { selection: { ids: [], code: 'conflict' }, dryRun: false, json: false, confirm: async () => true },
    (work) => work(),
  );
  assert.equal(code, 1);
  assert.match(told.join(''), /1 episode purged/);
  assert.deepEqual(readdirSync(layout.quarantine), []);
  const [left = '', ...others] = readdirSync(layout.outbox);
  assert.deepEqual(others, []);
  const [problem] = lines.flatMap((line) => parsePlainLogLine(line.trimEnd()) ?? []);
  const { episode = '?', reason = '', hint = '' } = problem?.fields ?? {};
  assert.ok(left.startsWith(`deleting.${episode}.`), left);
  assert.ok(reason.includes(`it lies in ${join(layout.outbox, left)}: EIO`), reason);
  const path = /^sudo rm -rf (\S+)$/.exec(hint)?.[1] ?? hint;
  assert.ok(existsSync(path), `the maintainer finds nothing at ${path}`);
});
