import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { makeDirectory, removeDirectory } from '../../../test/support/temporary-directory.ts';
import { type DataLayout, dataLayout, makeDataDirectories } from '../data-layout.ts';
import { readRefusalsInARow } from './refusals-in-a-row.ts';

let root: string;
let layout: DataLayout;

beforeEach(async () => {
  root = makeDirectory();
  layout = dataLayout(root);
  await makeDataDirectories(layout);
});
afterEach(() => removeDirectory(root));

const at = (minute: number) => `2026-05-01T06:${String(minute).padStart(2, '0')}:00.000000+00:00`;

function note(directory: string, name: string, file: string, content: object): void {
  mkdirSync(join(directory, name));
  writeFileSync(join(directory, name, file), JSON.stringify(content));
}

/** Each in its minute: `code` refused by the receiver, `code!` refused here, `taken`, or a note that cannot be read. */
function happened(...events: string[]): void {
  for (const [minute, event] of events.entries()) {
    const [code = '', here] = event.split('!');
    if (event === 'taken') note(layout.shipped, `e${minute}`, 'receipt.json', { shipped_at_wall: at(minute) });
    else if (event === 'torn') note(layout.quarantine, `e${minute}`, 'quarantine_reason.json', []);
    else {
      const reason = { episode_id: `e${minute}`, quarantined_at_wall: at(minute), code };
      const status = here === undefined ? 409 : 0;
      note(layout.quarantine, `e${minute}`, 'quarantine_reason.json', { ...reason, status });
    }
  }
}

for (const [title, events, row] of [
  ['nothing', [], undefined],
  ['none of them refused', ['taken', 'taken'], undefined],
  ['all of one code', ['conflict', 'conflict', 'conflict'], ['conflict', 'e2', 'e1', 'e0']],
  ['those since the last that was taken', ['conflict', 'taken', 'conflict'], ['conflict', 'e2']],
  ['none since the last that was taken', ['conflict', 'conflict', 'taken'], undefined],
  ['those since another code', ['conflict', 'too-large', 'conflict', 'conflict'], ['conflict', 'e3', 'e2']],
  ['the gate between them', ['conflict', 'commit-missing', 'conflict'], ['conflict', 'e2', 'e0']],
  ['the gate alone', ['commit-blocked', 'dirty-refused'], undefined],
  ['one that was refused here', ['conflict', 'episode-malformed!'], ['conflict', 'e0']],
  ['a note that cannot be read', ['conflict', 'torn'], ['conflict', 'e0']],
] satisfies [string, string[], string[] | undefined][]) {
  test(`the row of refusals: ${title}`, async () => {
    happened(...events);
    const [code, ...episodeIds] = row ?? [];
    assert.deepEqual(await readRefusalsInARow(layout), row && { code, episodeIds });
  });
}
