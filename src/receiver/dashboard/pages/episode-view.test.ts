import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SequencedRow } from '../../../protocol/ledger-row.ts';
import type { EpisodeLook, FileState } from './episode-look.ts';
import { type EpisodeFacts, episodeView, retractedView } from './episode-view.ts';

const COMMIT = 'a'.repeat(40);
const HOSTILE = '</pre><script>alert(1)</script><img src=x onerror=alert(1)>"\'\u202e\u0000';
const ROW: SequencedRow = {
  host_id: 'lab-1',
  episode_id: 'run-7',
  received_at_wall: '2026-05-01T06:37:53.830599+00:00',
  sha256: 'f'.repeat(64),
  bytes: 2048,
  path: 'episodes/lab-1/run-7.tar.zst',
  schema_version: '2',
  commit: COMMIT,
  dirty: true,
  gate: { head: 'b'.repeat(40), source: 'forgejo' },
  seq: 1234,
};
const LOOK: EpisodeLook = {
  file: 'whole',
  sizeBytes: 2048,
  packed: { meta: { workload: 'x' }, files: [{ path: 'meta.json', sizeBytes: 16, modifiedAt: null }], isWhole: true },
  telemetry: undefined,
};
const FACTS: EpisodeFacts = {
  row: ROW,
  look: LOOK,
  pathInStore: ROW.path,
  distanceOf: () => 3,
  origin: 'https://receiver.lab',
  needsCredential: true,
  now: '2026-05-01T07:37:53.830599+00:00',
};

async function render(facts: Partial<EpisodeFacts>): Promise<string> {
  return String(await episodeView({ ...FACTS, ...facts }).body);
}

test('its row, and the commands that take it out', async () => {
  const page = await render({});
  for (const text of [
    '1,234',
    '2,048 bytes',
    '3 behind',
    'a modified tree',
    'in the window (forgejo',
    '<dd>2</dd>',
    ROW.path,
  ])
    assert.ok(page.includes(text), text);
  assert.match(page, /href="\/v1\/episodes\/lab-1\/run-7\.tar\.zst" download="run-7\.tar\.zst"/);
  assert.match(
    page,
    /Bearer \$\(cat reader\.token\)&quot; https:\/\/receiver\.lab\/v1\/episodes\/lab-1\/run-7\.tar\.zst/,
  );
  assert.match(page, /echo &#39;f{64} {2}run-7\.tar\.zst&#39; \| sha256sum -c\ncis490 episode show run-7\.tar\.zst/);
  assert.doesNotMatch(await render({ needsCredential: false }), /Bearer/);
});

const FILES: [file: FileState, badge: RegExp, isServed: boolean][] = [
  ['whole', /badge good">whole/, true],
  ['unhashed', /badge idle">not hashed/, true],
  ['missing', /badge bad">missing/, false],
  ['other-size', /badge bad">damaged[\s\S]*has 7 bytes, and should have 2,048/, false],
  ['damaged', /badge bad">damaged/, false],
];
for (const [file, badge, isServed] of FILES) {
  test(`a file that is ${file}`, async () => {
    const page = await render({ look: { file, sizeBytes: 7, packed: undefined, telemetry: undefined } });
    assert.match(page, badge);
    assert.equal(/download=/.test(page), isServed);
    assert.equal(page.includes('sudo cis490 index verify'), !isServed);
  });
}

test('too many look at this moment: the row stands all the same', async () => {
  const page = await render({ look: 'busy' });
  assert.match(page, /load the page again/);
  assert.match(page, /2,048 bytes/);
  assert.doesNotMatch(page, /id="files"/);
});

test('a foreign or damaged archive gets a calm word', async () => {
  const page = await render({ look: { ...LOOK, packed: { meta: null, files: [], isWhole: false } } });
  assert.match(page, /No meta\.json was found in what could be read/);
  assert.match(page, /The file itself is as it was stored/);
  assert.match(page, /badge good">whole/);
});

const GATES: [gate: SequencedRow['gate'], text: string][] = [
  [undefined, 'not said'],
  ['override', 'allowed out of turn'],
  ['recovered', 'completed after a crash'],
  ['disabled', 'The gate was off'],
  ['of-a-later-release', 'of-a-later-release'],
  [{ because: 'later' }, '{&quot;because&quot;:&quot;later&quot;}'],
];
for (const [gate, text] of GATES) {
  test(`let in because: ${JSON.stringify(gate)}`, async () => {
    const { gate: _gate, ...row } = ROW;
    assert.ok((await render({ row: gate === undefined ? row : { ...row, gate } })).includes(text));
  });
}

test('what a recorder wrote is text: in meta.json, in file names, in the row, in the charts', async () => {
  const page = await render({
    row: { ...ROW, commit: HOSTILE, schema_version: HOSTILE, gate: { source: HOSTILE, head: HOSTILE } },
    look: {
      ...LOOK,
      packed: {
        meta: { [HOSTILE]: HOSTILE, isEscaped: true, toString: 'x' },
        files: [{ path: HOSTILE, sizeBytes: 1, modifiedAt: '2026-05-01T00:00:00.000Z' }],
        isWhole: true,
      },
      telemetry: {
        startedAt: null,
        timesS: [0, 1],
        series: [
          { name: HOSTILE, unit: HOSTILE, values: [1, 2] },
          { name: `cpu_${HOSTILE}`, unit: 's', values: [0, 0] },
        ],
        samples: 2,
        isWhole: false,
      },
    },
  });
  assert.doesNotMatch(page, /<script|<img|[^\P{Cc}\n]|\p{Cf}/u);
  assert.ok((page.match(/&lt;script&gt;/g)?.length ?? 0) >= 6);
  assert.match(page, /Not all of it could be read: this is its beginning/);
});

test('retracted: by whom, when and why, and nothing to take out', async () => {
  const tombstone = {
    host_id: 'lab-1',
    episode_id: 'run-7',
    retracted_at_wall: '2026-05-02T06:37:53.830599+00:00',
    reason: `wrong cable ${HOSTILE}`,
    by: 'token t-1a2b3c4d',
    seq: 9,
  };
  const page = String(await retractedView(tombstone, ROW).body);
  assert.match(page, /Retracted<\/strong>[\s\S]*2026-05-02 06:37:53 UTC[\s\S]*by token t-1a2b3c4d[\s\S]*wrong cable/);
  assert.doesNotMatch(page, /<script|<img|download=|curl/);
});
