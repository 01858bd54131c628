// GET /v1/events over real sockets: what the receiver, the monitor and the maintainer do is told to whoever listens.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { formatWallTime } from '../../src/lib/clock.ts';
import { openMonitorState } from '../../src/storage/open-storage.ts';
import { GOOD_COMMIT, STALE_COMMIT, TestFleet } from '../support/fleet.ts';
import { eventually, Program } from '../support/program.ts';
import { put, send } from '../support/put.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const LONG_AGO = formatWallTime(Temporal.Now.instant().subtract({ hours: 3 }));

class Listener {
  readonly response: IncomingMessage;
  readonly ended: Promise<unknown>;
  #text = '';

  private constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding('utf8').on('data', (text: string) => {
      this.#text += text;
    });
    response.on('error', () => undefined);
    this.ended = new Promise((resolve) => response.once('close', resolve));
  }

  static async open(t: TestContext, port: number, token?: string): Promise<Listener> {
    const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    const outgoing = request({ host: '127.0.0.1', port, path: '/v1/events', headers, agent: false }).end();
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    t.after(() => outgoing.destroy());
    const listener = new Listener(response);
    await eventually(() => listener.#text.startsWith('retry: 2000\n\n'), 'it begins');
    return listener;
  }

  /** Resolves when the topic is told, of this host where it has any; and forgets what was told before. */
  async told(topic: string, hostId?: string): Promise<void> {
    const isIt = ({ event, data }: { event: string; data: string }) =>
      event === topic && (hostId === undefined || JSON.parse(data).hosts.includes(hostId));
    await eventually(() => this.#events().some(isIt), `${topic} ${hostId ?? ''} is told; there was ${this.#text}`);
    this.#text = '';
  }

  #events(): { event: string; data: string }[] {
    const whole = this.#text.slice(0, this.#text.lastIndexOf('\n\n') + 2);
    return [...whole.matchAll(/^event: (\w+)\ndata: (.*)\n\n/gm)].map(([, event = '', data = '']) => ({ event, data }));
  }
}

async function start(t: TestContext, keys = ''): Promise<{ fleet: TestFleet; receiver: Program }> {
  const fleet = await TestFleet.create(temporaryDirectory(t), keys);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  return { fleet, receiver };
}

const putEpisode = (fleet: TestFleet, hostId: string, id: string, commit = GOOD_COMMIT) =>
  put(fleet.port, `/v1/episodes/${hostId}/${id}.tar.zst`, id, { 'X-Cis490-Code-Commit': commit });

test('each thing that happens is told, whoever did it', async (t) => {
  const { fleet } = await start(t, '[fleet]\nexpected_hosts = ["lab-9"]\n');
  const listener = await Listener.open(t, fleet.port);
  assert.equal(listener.response.headers['content-type'], 'text/event-stream');
  assert.equal(listener.response.headers['cache-control'], 'no-store');

  assert.equal((await putEpisode(fleet, 'lab-1', 'e1')).status, 201);
  await listener.told('stored', 'lab-1');
  assert.equal((await putEpisode(fleet, 'lab-2', 'e1', STALE_COMMIT)).status, 412);
  await listener.told('hosts', 'lab-2');

  const heartbeat = { host_id: 'lab-3', sent_at_wall: LONG_AGO, machine: 'm', boot_id: 'b' };
  assert.equal(
    (await send(fleet.port, '/v1/heartbeat', { method: 'POST', body: JSON.stringify(heartbeat) })).status,
    204,
  );
  await listener.told('hosts', 'lab-3');
  const report = JSON.stringify({ status: 'green' });
  assert.equal((await send(fleet.port, '/v1/host-health/lab-4', { method: 'PUT', body: report })).status, 200);
  await listener.told('hosts', 'lab-4');

  // Another process: a host that was expected, and never seen.
  const monitor = Program.cis490(['fleet-health', '--config', fleet.receiverConfig]);
  assert.ok([0, 1].includes((await monitor.ended).code ?? -1), monitor.stderr);
  await listener.told('alerts');
  const { monitor_ran_at: ranAt } = (await send(fleet.port, '/v1/fleet')).json;
  assert.equal(typeof ranAt, 'string');

  const retire = { method: 'POST', body: JSON.stringify({ reason: 'scrapped' }) };
  assert.equal((await send(fleet.port, '/v1/fleet/lab-9/retire', retire)).status, 200);
  await listener.told('alerts');
  const blocked = Program.cis490(['gate', 'block', GOOD_COMMIT, '--why', 'w', '--config', fleet.receiverConfig]);
  assert.equal((await blocked.ended).code, 0, blocked.stderr);
  await listener.told('gate');
  const retracted = await send(fleet.port, '/v1/episodes/lab-1/e1.tar.zst?reason=broken', { method: 'DELETE' });
  assert.equal(retracted.status, 200);
  await listener.told('stored', 'lab-1');
});

test('an alert that is acknowledged here or found by the monitor is told, and who asks then is shown no older one', async (t) => {
  const { fleet } = await start(t);
  const listener = await Listener.open(t, fleet.port);
  assert.equal((await send(fleet.port, '/v1/fleet')).json['monitor_ran_at'], null);
  const state = await openMonitorState(join(fleet.store, 'monitor.db'));
  const told = { id: '0a000001', host: '*', symptom: 'fleet-silent', severity: 'critical', state: 'firing' } as const;
  const unheard = { resolvedAt: null, goodRuns: 0, suppressedBy: null, silencedBy: null, notifiedAt: null };
  const alert = { ...told, ...unheard, detail: 'd', suggestedFix: 'f', firstAt: LONG_AGO, lastAt: LONG_AGO };
  await state.applyRun({ alerts: [alert], notifications: [], memory: '', ranAt: LONG_AGO, forgetResolvedBefore: '' });
  await state.close();
  await listener.told('alerts');
  const fleetNow = async () =>
    (await send(fleet.port, '/v1/fleet')).json as {
      monitor_ran_at: string;
      verdict: { alerts: { id: string; acknowledged: unknown }[] };
    };
  const found = await fleetNow();
  assert.equal(found.monitor_ran_at, LONG_AGO);
  assert.deepEqual(
    found.verdict.alerts.map(({ id }) => id),
    ['0a000001'],
  );
  const body = JSON.stringify({ reason: 'known' });
  assert.equal((await send(fleet.port, '/v1/alerts/0a000001/acknowledge', { method: 'POST', body })).status, 200);
  await listener.told('alerts');
  assert.ok((await fleetNow()).verdict.alerts[0]?.acknowledged);
});

test('HEAD says what there would be, and listens to nothing; a query is refused', async (t) => {
  const { fleet } = await start(t);
  // More of them than may listen.
  for (let index = 0; index < 300; index += 1) {
    const { status, headers, text } = await send(fleet.port, '/v1/events', { method: 'HEAD' });
    assert.deepEqual([status, headers['content-type'], text], [200, 'text/event-stream', '']);
  }
  assert.equal((await send(fleet.port, '/v1/events?topics=hosts')).status, 400);
  await Listener.open(t, fleet.port);
});

test('a token that is revoked hears no more, and neither does one that may not read the fleet', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t), `[auth]\nfleet_token_sha256 = "${'0'.repeat(64)}"\n`);
  const create = async (...options: string[]) => {
    const made = Program.cis490(['token', 'create', '--config', fleet.receiverConfig, ...options]);
    assert.equal((await made.ended).code, 0, made.stderr);
    return made.stdout.trim();
  };
  const [reader, host] = [await create('--role', 'reader'), await create('--role', 'host', '--host', 'lab-1')];
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const as = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });
  assert.equal((await send(fleet.port, '/v1/events')).status, 401);
  assert.equal((await send(fleet.port, '/v1/events', as(host))).status, 403);
  const listener = await Listener.open(t, fleet.port, reader);
  const id = /\b(t-[0-9a-z]+)\b/.exec(
    (await listTokens(fleet)).split('\n').find((line) => /reader/.test(line)) ?? '',
  )?.[1];
  assert.ok(id !== undefined);
  const revoked = Program.cis490(['token', 'revoke', id, '--config', fleet.receiverConfig]);
  assert.equal((await revoked.ended).code, 0, revoked.stderr);
  // The revocation itself is a change, or the heartbeat is.
  const heartbeat = { host_id: 'lab-1', sent_at_wall: LONG_AGO, machine: 'm', boot_id: 'b' };
  await send(fleet.port, '/v1/heartbeat', { method: 'POST', ...as(host), body: JSON.stringify(heartbeat) });
  await listener.ended;
});

async function listTokens(fleet: TestFleet): Promise<string> {
  const listed = Program.cis490(['token', 'list', '--config', fleet.receiverConfig]);
  assert.equal((await listed.ended).code, 0, listed.stderr);
  return listed.stdout;
}

test('one that does not read holds up nobody; the stop ends all of them at once', async (t) => {
  const { fleet, receiver } = await start(t);
  const stalled = connect(fleet.port, '127.0.0.1').pause();
  t.after(() => stalled.destroy());
  await once(stalled, 'connect');
  stalled.write('GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n');
  const listener = await Listener.open(t, fleet.port);
  for (let index = 0; index < 20; index += 1) {
    assert.equal((await putEpisode(fleet, `lab-${index}`, 'e1')).status, 201);
    await listener.told('stored', `lab-${index}`);
  }
  receiver.signal('SIGTERM');
  await listener.ended;
  assert.equal((await receiver.ended).code, 0);
});

test('as many as may listen do; one more is told so, and has a place once another has left', async (t) => {
  const { fleet } = await start(t);
  const listeners = await Promise.all(Array.from({ length: 256 }, () => Listener.open(t, fleet.port)));
  const refused = await send(fleet.port, '/v1/events');
  assert.deepEqual([refused.status, refused.json['code']], [503, 'too-many-followers']);
  listeners[0]?.response.destroy();
  await eventually(async () => {
    const outgoing = request({ host: '127.0.0.1', port: fleet.port, path: '/v1/events', agent: false }).end();
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    outgoing.destroy();
    return response.statusCode === 200;
  }, 'there is a place again');
});
