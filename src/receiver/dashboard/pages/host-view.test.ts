import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QUARTERS } from '../../fleet/day-quarters.ts';
import type { FleetHostInFull } from '../../fleet/read-fleet.ts';
import { type HostFacts, hostView } from './host-view.ts';

const NOW = '2026-05-01T12:07:00.000000+00:00';
const EARLIER = '2026-05-01T12:05:00.000000+00:00';
const COMMIT = 'a'.repeat(40);
const HOSTILE = '"><script>alert(1)</script>';

const HOST: FleetHostInFull = {
  host_id: 'lab-07',
  state: 'ok',
  expected: true,
  retired: null,
  alerts: [],
  last_seen_at: EARLIER,
  last_stored_at: EARLIER,
  episodes: 12,
  bytes: 4096,
  episodes_24h: 3,
  bytes_24h: 2048,
  window_min: 30,
  outcomes: { stored: 2, 'commit-not-in-window': 1 },
  commit: COMMIT,
  head_distance: 2,
  heartbeat: null,
  doctor: null,
};
const silent = {
  id: 'a1',
  symptom: 'silent',
  severity: 'critical',
  since: EARLIER,
  detail: 'nothing stored for 40 min',
  suggested_fix: 'ssh lab-07 cis490 shipper --ping',
  suppressed: null,
  silenced: null,
  acknowledged: null,
} as const;

async function render(host: Partial<FleetHostInFull> = {}, more: Partial<HostFacts> = {}): Promise<string> {
  const nothing = Array.from({ length: QUARTERS }, () => ({ episodes: 0, sizeBytes: 0 }));
  const { body } = hostView({
    host: { ...HOST, ...host },
    day: { stored: nothing, outcomes: nothing.map(() => ({})) },
    pastAlerts: [],
    silences: [],
    commits: [],
    lastEpisodes: [],
    distanceOf: () => 2,
    ranAt: EARLIER,
    mayAcknowledge: true,
    maySilence: true,
    now: NOW,
    ...more,
  });
  return (await body).toString();
}
const commandsIn = (page: string) => [...page.matchAll(/<pre[^>]*>([^<]*)<\/pre>/g)].map(([, text]) => text);

test('what is wrong and its cure stand before everything else, the gravest first', async () => {
  const backlog = { ...silent, id: 'a2', symptom: 'backlog', severity: 'warning', suggested_fix: 'second' } as const;
  const page = await render({ state: 'silent', alerts: [backlog, silent] });
  assert.deepEqual(commandsIn(page).slice(0, 2), ['ssh lab-07 cis490 shipper --ping', 'second']);
  assert.ok(page.indexOf('<pre') < page.indexOf('The last 24 hours'));
  assert.match(page, /href="\/alerts\?acknowledge=a1&amp;back=%2Fhosts%2Flab-07"/);
});

test('who may only read is offered nothing to decide', async () => {
  const page = await render({ alerts: [silent] }, { mayAcknowledge: false, maySilence: false });
  assert.doesNotMatch(page, /acknowledge=|silence=/);
});

const red = [{ id: 'disk', meaning: 'the disk is short of space', cure: 'df -h -i /var/lib/cis490' }];
const states: [host: Partial<FleetHostInFull>, told: RegExp, commands: string[]][] = [
  [{ state: 'ok' }, /Nothing is known against it/, []],
  [{ state: 'silent' }, /No alert is open, but it has stored episodes/, ['ssh lab-07 cis490 doctor']],
  [
    { state: 'sick', doctor: { status: 'red', received_at_wall: EARLIER, red, checks: [] } },
    /the disk is short of space/,
    ['df -h -i /var/lib/cis490'],
  ],
  [
    { state: 'retired', retired: { at: EARLIER, by: 'token t-1', reason: 'sold' } },
    /Retired<\/strong> by token t-1, .*2 min ago.*: sold/,
    ['cis490 host return lab-07'],
  ],
];
for (const [host, told, commands] of states) {
  test(`${host.state} without an alert says so, and what to do`, async () => {
    const page = await render({ ...host, heartbeat: { received_at_wall: EARLIER } });
    assert.match(page, told);
    assert.deepEqual(commandsIn(page), commands);
  });
}

test('the day is drawn by quarter: what was stored by the ledger, what was not by its code', async () => {
  const stored = Array.from({ length: QUARTERS }, (_, index) => ({ episodes: index === 95 ? 3 : 0, sizeBytes: 1024 }));
  const outcomes = Array.from({ length: QUARTERS }, (_, index) =>
    index === 94 ? { stored: 99, 'commit-not-in-window': 5, 'disk-full': 1 } : {},
  );
  const page = await render({}, { day: { stored, outcomes } });
  assert.match(page, /3 episodes stored in 24 hours; commit-not-in-window 5, disk-full 1\./);
  assert.match(page, /96\.0 KiB in 24 hours/);
  const data = JSON.parse((/id="attempts" data-chart="([^"]*)"/.exec(page)?.[1] ?? '').replaceAll('&quot;', '"'));
  // 12:00, the quarter that holds the time of the page.
  assert.equal(new Date(data.times[95] * 1000).toISOString(), '2026-05-01T12:00:00.000Z');
  assert.deepEqual(
    data.series.map(({ label, values }: { label: string; values: number[] }) => [label, values[94], values[95]]),
    [
      ['stored', 0, 3],
      ['commit-not-in-window', 5, 0],
      ['disk-full', 1, 0],
    ],
  );
  assert.match(await render(), /Nothing was stored or refused/);
});

test('rare codes are counted together', async () => {
  const codes = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  const quarter = Object.fromEntries(codes.map((code, index) => [code, 10 - index]));
  const day = { stored: [{ episodes: 1, sizeBytes: 1 }], outcomes: [quarter] };
  assert.match(await render({}, { day }), /; a 10, b 9, c 8, d 7, e 6, other refusals 9\./);
});

test('a heartbeat is told as far as it goes', async () => {
  const heartbeat = {
    received_at_wall: EARLIER,
    sent_at_wall: '2026-05-01T12:15:00.000000+00:00',
    backlog: { episodes: 7, bytes: 2048, oldest_s: 7200 },
    held: { count: 7, code: 'commit-not-in-window' },
    quarantine: { episodes: 2, recent: { episodes: 1, without_asking: 0, code: 'conflict' } },
    recording: { last_episode: { episode_id: 'e-9', finished_at_wall: EARLIER }, workloads: ['walk', 'lift'] },
    free_bytes: 1_073_741_824,
    update: { result: 'failed', target: COMMIT, failures: 3, detail: 'no space' },
  };
  const page = await render({ heartbeat });
  for (const told of [
    /7 episodes, 2\.0 KiB, the oldest for 2 h/,
    /7 episodes<\/span> commit-not-in-window/,
    /2 episodes, 1 in the last hour for conflict/,
    /e-9, <time/,
    /walk, lift/,
    /1\.0 GiB/,
    /failed<\/span> to <code title="a{40}">a{10}<\/code>, 3 failures in a row<br><span class="muted">no space/,
    /10 min ahead of the receiver’s/,
  ])
    assert.match(page, told);
  assert.match(await render(), /ssh lab-07 cis490 shipper --ping/);
});

test('commits and episodes link to the data set; without a gate no distance is claimed', async () => {
  const commits = [
    { commit: COMMIT, episodes: 5, sizeBytes: 1024, lastSeq: 9 },
    { commit: null, episodes: 1, sizeBytes: 1, lastSeq: 1 },
  ];
  const row = {
    host_id: 'lab-07',
    episode_id: 'e-1',
    received_at_wall: EARLIER,
    sha256: '0'.repeat(64),
    bytes: 1024,
    path: 'x',
    commit: COMMIT,
    seq: 9,
  };
  const page = await render({}, { commits, lastEpisodes: [row] });
  assert.match(page, new RegExp(`href="/data\\?commit=${COMMIT}"`));
  assert.match(page, /href="\/data\/lab-07\/e-1"/);
  assert.match(page, /2 behind/);
  assert.doesNotMatch(await render({}, { commits, distanceOf: undefined }), /behind|in the window</);
});

test('nothing that a host says becomes markup, a command or a link', async () => {
  const row = {
    host_id: 'lab-07',
    episode_id: HOSTILE,
    received_at_wall: HOSTILE,
    sha256: '0'.repeat(64),
    bytes: 1,
    path: HOSTILE,
    commit: HOSTILE,
    seq: 1,
  };
  const page = await render(
    {
      state: 'sick',
      commit: HOSTILE,
      heartbeat: {
        received_at_wall: EARLIER,
        sent_at_wall: HOSTILE,
        machine: HOSTILE,
        boot_id: HOSTILE,
        version: { commit: HOSTILE },
        held: { count: 1, code: HOSTILE },
        quarantine: { episodes: 1, recent: { episodes: 1, code: HOSTILE } },
        recording: { last_episode: { episode_id: HOSTILE, finished_at_wall: HOSTILE }, workloads: [HOSTILE] },
        update: { result: HOSTILE, source: HOSTILE, target: HOSTILE, at_wall: HOSTILE, detail: HOSTILE },
      },
      doctor: {
        status: 'red',
        received_at_wall: EARLIER,
        red: [],
        checks: [{ id: HOSTILE, status: 'red', summary: HOSTILE }],
      },
    },
    { commits: [{ commit: HOSTILE, episodes: 1, sizeBytes: 1, lastSeq: 1 }], lastEpisodes: [row] },
  );
  assert.doesNotMatch(page, /<script/);
  assert.deepEqual(commandsIn(page), ['ssh lab-07 cis490 doctor']);
  assert.doesNotMatch(page, /href="[^"]*script/);
});
