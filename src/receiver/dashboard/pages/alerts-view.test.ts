import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AlertAnswer, SilenceAnswer } from '../../../protocol/answers.ts';
import type { SortedAlerts } from '../../alerts/sort-alerts.ts';
import { type AlertsFacts, alertsView } from './alerts-view.ts';

const NOW = '2026-05-01T12:00:00.000000+00:00';
const EARLIER = '2026-05-01T11:58:00.000000+00:00';

const alert = (id: string, more: Partial<AlertAnswer> = {}): AlertAnswer => ({
  id,
  host: 'lab-1',
  symptom: 'silent',
  severity: 'critical',
  state: 'firing',
  since: '2026-05-01T09:00:00.000000+00:00',
  last_at: EARLIER,
  resolved_at: null,
  detail: 'nothing stored for 40 min',
  suggested_fix: 'ssh lab-1 cis490 shipper --ping',
  suppressed: null,
  silenced: null,
  acknowledged: null,
  ...more,
});
const SILENCE: SilenceAnswer = {
  id: '5111ce00',
  host: 'lab-1',
  symptom: null,
  reason: 'moves to another rack',
  by: 'token t-1',
  created_at: EARLIER,
  expires_at: '2026-05-01T16:00:00.000000+00:00',
  active: true,
};

async function render(sorted: Partial<SortedAlerts>, more: Partial<AlertsFacts> = {}): Promise<string> {
  const { body } = alertsView({
    sorted: { open: [], acknowledged: [], silenced: [], history: [], silences: [], ranAt: EARLIER, ...sorted },
    question: { tab: 'open', host: '', symptom: undefined },
    form: undefined,
    mayAcknowledge: true,
    maySilence: true,
    now: NOW,
    ...more,
  });
  return (await body).toString();
}
const commandsIn = (page: string) => [...page.matchAll(/<pre[^>]*>([^<]*)<\/pre>/g)].map(([, text]) => text);
const TAB = (tab: 'acknowledged' | 'silenced' | 'history') => ({ question: { tab, host: '', symptom: undefined } });

test('an open alert says whom, what, since when, and the command to paste', async () => {
  const page = await render({ open: [alert('a1')] });
  assert.match(page, /<strong>silent<\/strong> on <a href="\/hosts\/lab-1">lab-1<\/a>/);
  assert.match(page, /datetime="2026-05-01T09:00:00\.000Z"/);
  assert.match(page, /nothing stored for 40 min/);
  assert.deepEqual(commandsIn(page), ['ssh lab-1 cis490 shipper --ping']);
  assert.match(page, /href="\/alerts\?acknowledge=a1"/);
  assert.match(page, /href="\/alerts\?host=lab-1&amp;symptom=silent&amp;silence=new"/);
  assert.match(page, /Open <span class="count">1<\/span>/);
});

test('who may only read is offered nothing to do', async () => {
  const sorted = { open: [alert('a1')], silenced: [alert('a2', { silenced: SILENCE.id })], silences: [SILENCE] };
  for (const tab of [{}, TAB('silenced')]) {
    const page = await render(sorted, { ...tab, mayAcknowledge: false, maySilence: false });
    assert.doesNotMatch(page, /method="post"|acknowledge=|silence=new/);
  }
});

test('what is explained, acknowledged or silenced says by what, by whom and why', async () => {
  const explained = await render({ open: [alert('a1', { suppressed: 'receiver-down' })] });
  assert.match(explained, /explained by receiver-down/);
  const acknowledged = { at: EARLIER, by: 'token t-9', reason: 'disk ordered' };
  const taken = await render({ acknowledged: [alert('a1', { acknowledged })] }, TAB('acknowledged'));
  assert.match(taken, /Acknowledged by token t-9, .*: disk ordered/);
  assert.match(taken, /silence=new/);
  assert.doesNotMatch(taken, /acknowledge=/);
  const silenced = await render(
    { silenced: [alert('a1', { silenced: SILENCE.id })], silences: [SILENCE] },
    TAB('silenced'),
  );
  assert.match(silenced, /Silenced until .* by token t-1: moves to another rack/);
  assert.match(silenced, /action="\/silences\/5111ce00\/end"/);
});

test('what is over has no command and nothing to decide', async () => {
  const past = alert('a1', { state: 'resolved', resolved_at: '2026-05-01T10:30:00.000000+00:00' });
  const page = await render({ history: [past] }, TAB('history'));
  assert.match(page, /for 90 min, over/);
  assert.deepEqual(commandsIn(page), []);
  assert.doesNotMatch(page, /acknowledge=/);
});

test('two hundred of one symptom stand together, folded; few stand apart', async () => {
  const many = Array.from({ length: 250 }, (_, index) =>
    alert(`a${index}`, { host: `lab-${index}`, suggested_fix: `ssh lab-${index} cis490 shipper --ping` }),
  );
  const page = await render({ open: [...many, alert('b', { symptom: 'backlog', severity: 'warning' })] });
  assert.match(page, /<strong>silent<\/strong> on 250 hosts/);
  assert.match(page, /lab-0, lab-1, lab-2, lab-3, lab-4, lab-5 and 244 more/);
  assert.equal(page.match(/<article/g)?.length, 201);
  assert.match(page, /50 more/);
  assert.equal(commandsIn(page)[0], 'ssh lab-0 cis490 shipper --ping');
  assert.match(page, /For lab-0; the same for each of the others/);
  assert.ok(page.indexOf('<details id="all-silent">') < page.indexOf('id="alert-a0"'));
  assert.match(page, /<strong>backlog<\/strong> on <a/);
});

test('one cure for all of a group is shown once, before it is unfolded', async () => {
  const same = Array.from({ length: 6 }, (_, index) => alert(`a${index}`, { suggested_fix: 'cis490 gate status' }));
  const page = await render({ open: same });
  assert.ok(page.indexOf('cis490 gate status') < page.indexOf('<details'));
  assert.doesNotMatch(page, /the same for each/);
  const unlike = same.map((each, index) => ({ ...each, suggested_fix: `cure ${index}` }));
  assert.ok((await render({ open: unlike })).indexOf('<pre') > (await render({ open: unlike })).indexOf('<details'));
});

test('a filter narrows tabs and alerts, and shows the way out of it', async () => {
  const sorted = { open: [alert('a1'), alert('a2', { host: 'rig-2' })] };
  const page = await render(sorted, { question: { tab: 'open', host: 'RIG', symptom: undefined } });
  assert.match(page, /id="alert-a2"/);
  assert.doesNotMatch(page, /id="alert-a1"/);
  const none = await render(sorted, { question: { tab: 'open', host: 'x', symptom: 'backlog' } });
  assert.match(none, /None of these\. <a href="\/alerts">Show all/);
});

const monitors: [ranAt: string | null, told: RegExp][] = [
  [EARLIER, /As the monitor found it .*2 min ago/],
  ['2026-05-01T10:00:00.000000+00:00', /The monitor last ran .*2 h ago/],
  [null, /The monitor has never run/],
];
for (const [ranAt, told] of monitors) {
  test(`a monitor that ran at ${ranAt} is told of`, async () => {
    assert.match(await render({ ranAt }), told);
  });
}

test('nothing from elsewhere becomes markup', async () => {
  const hostile = '"><script>alert(1)</script>';
  const acknowledged = { at: hostile, by: hostile, reason: hostile };
  const bad = alert('a1', { host: hostile, detail: hostile, suggested_fix: hostile, since: hostile, acknowledged });
  const silence = { ...SILENCE, host: hostile, reason: hostile, by: hostile };
  const sorted = { open: [bad], silenced: [{ ...bad, silenced: SILENCE.id }], silences: [silence] };
  const question = { tab: 'open', host: '<script', symptom: undefined } as const;
  const form = {
    kind: 'silence',
    back: '/alerts',
    form: { typed: { host: hostile, reason: hostile }, mistakes: {} },
  } as const;
  for (const more of [{}, TAB('silenced'), { question }, { form }]) {
    const page = await render(sorted, more);
    assert.doesNotMatch(page, /<script/);
    assert.match(page, /&lt;script/);
  }
});
