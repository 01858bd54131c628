import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GateFacts, gateView } from './gate-view.ts';

const NOW = '2026-05-01T12:00:00.000000+00:00';
const [HEAD, OLD, BLOCKED, ALLOWED] = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(40)) as [
  string,
  string,
  string,
  string,
];
const HOSTILE = '<img src=x onerror=alert(1)>"\u202e';

const FACTS: GateFacts = {
  status: {
    enabled: true,
    head: HEAD,
    window: 100,
    source: 'forgejo',
    refreshedAt: NOW,
    lastError: null,
    allowed: [{ commit: ALLOWED, until: '2026-05-01T14:00:00.000000+00:00', why: 'hotfix', by: 'anna' }],
    blocked: [
      { commit: BLOCKED, why: 'torn frames', by: 'anna' },
      { commit: OLD, why: 'named in blocked_commits', by: 'configuration' },
    ],
  },
  refusals: {
    hour: new Map([['lab-2', { 'commit-not-in-window': 3 }]]),
    day: new Map([
      ['lab-2', { 'commit-not-in-window': 12, stored: 5, 'digest-mismatch': 2 }],
      ['lab-3', { 'gate-stale': 4 }],
    ]),
  },
  remediation: 'git pull\nrestart',
  progress: {
    releases: [
      { number: 12, commit: HEAD, percent: 10, paused: false, running: 3, onTrial: 1, failed: ['lab-9'] },
      { number: 11, commit: OLD, percent: 100, paused: false, running: 5, onTrial: 0, failed: [] },
    ],
    spread: [
      { commit: HEAD, hosts: 3, headDistance: 0 },
      { commit: OLD, hosts: 5, headDistance: null },
      { commit: null, hosts: 1, headDistance: null },
    ],
  },
  now: NOW,
};

async function render(facts: GateFacts): Promise<string> {
  return String(await gateView(facts).body);
}

const rowWith = (page: string, text: string) =>
  page.match(/<(?:tr|li)>[\s\S]*?<\/(?:tr|li)>/g)?.find((row) => row.includes(text)) ?? '';
const figures = (row: string) => [...row.matchAll(/class="num">([^<]*)</g)].map(([, text]) => text);

test('what was not let in: by code and by host, and nothing that is not the gate’s', async () => {
  const page = await render(FACTS);
  assert.deepEqual(figures(rowWith(page, 'commit-not-in-window</span>')), ['3', '12', '1']);
  assert.deepEqual(figures(rowWith(page, 'gate-stale</span>')), ['0', '4', '1']);
  assert.deepEqual(figures(rowWith(page, '>lab-2</a>')), ['3', '12']);
  assert.doesNotMatch(page, /digest-mismatch/);
  assert.match(page, />git pull\nrestart<\/pre>/);
  assert.match(
    await render({ ...FACTS, refusals: { hour: new Map(), day: new Map([['lab-1', { stored: 3 }]]) } }),
    /Nothing in the last 24 hours/,
  );
});

test('decisions with who, why, until, and the command that changes each', async () => {
  const page = await render(FACTS);
  assert.match(rowWith(page, BLOCKED), /torn frames.*by anna[\s\S]*sudo cis490 gate unblock c{40}</);
  assert.match(rowWith(page, ALLOWED), /for 2 h more, until[\s\S]*hotfix.*by anna[\s\S]*gate allow d{40} --for/);
  const configured = page.match(/<li>[\s\S]*?<\/li>/g)?.find((item) => item.includes('blocked_commits')) ?? '';
  assert.match(configured, /systemctl reload/);
  assert.doesNotMatch(configured, /unblock/);
});

test('the spread over commits tells those outside of the window, and the roll-out who failed', async () => {
  const page = await render(FACTS);
  assert.match(rowWith(page, `title="${OLD}"`), /badge warn">not in the window.*>5</);
  assert.match(page, /3 of 9 hosts run it, 1 of them on trial/);
  assert.match(page, /failed on 1[\s\S]*href="\/hosts\/lab-9"/);
  assert.match(page, /release pause a{12}<\/pre>[\s\S]*release percent a{12} 50<\/pre>/);
  const paused = FACTS.progress.releases.map((release) => ({ ...release, paused: true }));
  const pausedPage = await render({ ...FACTS, progress: { ...FACTS.progress, releases: paused } });
  assert.match(pausedPage, /release resume a{12}<\/pre>/);
  assert.doesNotMatch(pausedPage, /release pause/);
});

test('nothing there: no release, no host, no decision, no gate', async () => {
  const page = await render({
    ...FACTS,
    status: { ...FACTS.status, enabled: false, allowed: [], blocked: [] },
    refusals: { hour: new Map(), day: new Map() },
    progress: { releases: [], spread: [] },
  });
  for (const text of [/badge idle">off/, /No release is published/, /No host is in service/]) assert.match(page, text);
  assert.doesNotMatch(page, /Decided by hand/);
});

test('texts of others are text, and no part of a link or a command', async () => {
  const page = await render({
    ...FACTS,
    status: {
      ...FACTS.status,
      lastError: HOSTILE,
      allowed: [{ commit: HOSTILE, until: NOW, why: HOSTILE, by: HOSTILE }],
      blocked: [{ commit: HOSTILE, why: HOSTILE, by: HOSTILE }],
    },
    refusals: { hour: new Map(), day: new Map([[HOSTILE, { 'commit-missing': 1 }]]) },
    progress: {
      releases: [{ number: 1, commit: HOSTILE, percent: 0, paused: false, running: 0, onTrial: 0, failed: [HOSTILE] }],
      spread: [{ commit: HOSTILE, hosts: 1, headDistance: null }],
    },
  });
  assert.doesNotMatch(page, /\u202e|<img|onerror=(?!alert\(1\)&gt;)/);
  assert.doesNotMatch(page, /href="[^"]*img|<pre[^>]*>[^<]*img/);
  assert.match(page, /&lt;img src=x/);
});
