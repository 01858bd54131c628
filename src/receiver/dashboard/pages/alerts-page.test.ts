import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../lib/clock.ts';
import { alertOfRun, LONG_AGO, startReceiver } from './alerts-receiver.fixture.ts';

const now = () => systemClock.wallTime();

test('an alert is acknowledged with a reason, and the maintainer is led back to where it was', async (t) => {
  const { get, post, monitorState } = await startReceiver(t, alertOfRun('0a000001', 'lab-1'));
  const page = await get('admin', '/alerts?acknowledge=0a000001&back=/hosts/lab-1');
  assert.match(page.text, /action="\/alerts\/0a000001\/acknowledge"/);
  assert.match(page.text, /name="back" value="\/hosts\/lab-1"/);
  const answer = await post('admin', '/alerts/0a000001/acknowledge', { reason: 'disk ordered', back: '/hosts/lab-1' });
  assert.deepEqual([answer.status, answer.headers.location], [303, '/hosts/lab-1']);
  const [alert] = await monitorState.firingAlerts();
  assert.equal(alert?.acknowledged?.reason, 'disk ordered');
  assert.match(alert?.acknowledged?.by ?? '', /^token /);
  assert.match((await get('admin', '/alerts?show=acknowledged')).text, /disk ordered/);
  assert.match((await get('admin', '/alerts')).text, /Nothing needs you/);
});

test('a silence is made and ended; what it silences stays to be seen', async (t) => {
  const { get, post, monitorState } = await startReceiver(t, alertOfRun('0a000001', 'lab-1'));
  const fields = {
    host: 'lab-1',
    symptom: 'silent',
    reason: 'moves',
    for: '4h',
    until: '',
    back: '/alerts?show=silenced',
  };
  const made = await post('admin', '/silences', fields);
  assert.deepEqual([made.status, made.headers.location], [303, '/alerts?show=silenced']);
  const [silence] = await monitorState.listSilences(now());
  assert.deepEqual([silence?.host, silence?.symptom, silence?.reason], ['lab-1', 'silent', 'moves']);
  const page = await get('admin', '/alerts?show=silenced');
  assert.match(page.text, /id="alert-0a000001"/);
  const end = `/silences/${silence?.id}/end`;
  assert.ok(page.text.includes(`action="${end}"`));
  assert.equal((await post('admin', end, {})).status, 303);
  assert.match((await get('admin', '/alerts')).text, /id="alert-0a000001"/);
  assert.equal((await post('admin', end, {})).status, 303, 'once more: it has ended, as asked');
  assert.equal((await post('admin', '/silences/deadbeef/end', {})).status, 404);
});

test('a mistake shows the form again, with what was typed and what is wrong beside its field', async (t) => {
  const { post, monitorState } = await startReceiver(t, alertOfRun('0a000001', 'lab-1'));
  const typed = { host: 'lab-"1', symptom: 'backlog', reason: '', for: '7 days', until: '', back: '/alerts' };
  const { status, text } = await post('admin', '/silences', typed);
  assert.equal(status, 400);
  assert.match(text, /value="lab-&quot;1"[^>]* aria-invalid="true" aria-describedby="mistake-host hint-host"/);
  assert.match(text, /id="mistake-host"/);
  assert.match(text, /id="mistake-reason"/);
  assert.match(text, /<option selected>backlog/);
  assert.match(text, /<option value="7 days" selected>/);
  const late = await post('admin', '/silences', { ...typed, host: 'lab-1', reason: 'x', until: '2020-01-01T00:00' });
  assert.equal(late.status, 400);
  assert.match(late.text, /It must lie ahead/);
  const unsaid = await post('admin', '/alerts/0a000001/acknowledge', { reason: ' ' });
  assert.equal(unsaid.status, 400);
  assert.match(unsaid.text, /id="mistake-reason"/);
  assert.deepEqual(await monitorState.listSilences(now()), []);
  assert.equal((await monitorState.firingAlerts())[0]?.acknowledged, null);
});

test('what is over is not acknowledged, what never was is not found', async (t) => {
  const over = alertOfRun('0a000002', 'lab-1', { state: 'resolved', resolvedAt: LONG_AGO });
  const { get, post } = await startReceiver(t, over);
  const told = await post('admin', '/alerts/0a000002/acknowledge', { reason: 'known' });
  assert.deepEqual([told.status, /That alert is over/.test(told.text)], [404, true]);
  assert.equal((await post('admin', '/alerts/deadbeef/acknowledge', { reason: 'known' })).status, 404);
  assert.match((await get('admin', '/alerts?acknowledge=0a000002')).text, /That alert is over/);
});

test('a reader sees it all and decides nothing', async (t) => {
  const { get, post, monitorState } = await startReceiver(t, alertOfRun('0a000001', 'lab-1'));
  const page = await get('reader', '/alerts?acknowledge=0a000001');
  assert.equal(page.status, 200);
  assert.match(page.text, /nothing stored for 40 min/);
  assert.doesNotMatch(page.text, /action="\/alerts\/|action="\/silences/);
  const asked = { host: 'lab-1', reason: 'known', for: '4h' };
  assert.equal((await post('reader', '/silences', asked)).status, 403);
  assert.equal((await post('reader', '/alerts/0a000001/acknowledge', { reason: 'known' })).status, 403);
  assert.deepEqual(await monitorState.listSilences(now()), []);
  assert.equal((await monitorState.firingAlerts())[0]?.acknowledged, null);
});

test('a form leads back to pages of ours alone', async (t) => {
  const { post } = await startReceiver(t);
  const fields = { host: 'lab-1', reason: 'known', for: '4h', back: 'https://evil.example/alerts' };
  assert.equal((await post('admin', '/silences', fields)).headers.location, '/alerts');
});
