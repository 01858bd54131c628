// Metrics end to end: a real Prometheus, set up as etc/prometheus/prometheus.yml.example says, scrapes a receiver over TLS and a real
// node_exporter that passes a shipper's file on; a rule of etc/prometheus/cis490.rules.yml fires for a host that the monitor finds sick.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { TestAuthority } from '../support/certificates.ts';
import { publishEpisode } from '../support/episodes.ts';
import { GOOD_COMMIT, STALE_COMMIT, TestFleet, type TestHost } from '../support/fleet.ts';
import { readRows } from '../support/nothing-lost.ts';
import { freePort, PROJECT_ROOT, Program } from '../support/program.ts';
import { hasSystemPart } from '../support/system-part.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

const EXAMPLES = join(PROJECT_ROOT, 'etc/prometheus');

interface Lab {
  fleet: TestFleet;
  ca: TestAuthority;
  readerToken: string;
}

/** A receiver that is reached over TLS alone, and knows its hosts by their certificates. */
async function startLab(t: TestContext): Promise<Lab> {
  const root = temporaryDirectory(t);
  const ca = TestAuthority.create(join(root, 'ca'));
  const { certFile, keyFile } = ca.issueForServer({ untilDays: 30 });
  const tls = `[listen.tls]\ncert_file = "${certFile}"\nkey_file = "${keyFile}"\nclient_ca_file = "${ca.certFile}"\n`;
  const fleet = await TestFleet.create(root, tls);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const create = await cis490('token', 'create', '--role', 'reader', '--config', fleet.receiverConfig);
  return { fleet, ca, readerToken: create.stdout.trim() };
}

async function cis490(...args: string[]): Promise<Program> {
  const program = Program.cis490(args);
  assert.equal((await program.ended).code, 0, program.stderr);
  return program;
}

function addHost({ fleet, ca }: Lab, hostId: string, shipperKeys = ''): TestHost {
  const { certFile, keyFile } = ca.issue({ subject: `/CN=${hostId}`, untilDays: 20 });
  chmodSync(keyFile, 0o600);
  const tls = `[receiver.tls]\nca_file = "${ca.certFile}"\ncert_file = "${certFile}"\nkey_file = "${keyFile}"\n`;
  const host = fleet.addHost(hostId, `${shipperKeys}${tls}`);
  writeFileSync(host.config, readFileSync(host.config, 'utf8').replace('http://', 'https://'));
  return host;
}

function record({ data, hostId }: TestHost, episodeId: string, commit = GOOD_COMMIT): void {
  publishEpisode(data, hostId, { episodeId, commit, files: { 'data.bin': Buffer.alloc(10_000, episodeId) } });
}

interface Answer {
  status: number;
  type: string;
  body: string;
}

async function ask({ fleet, ca }: Lab, path: string, options: object = {}, body?: string): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const place = { host: '127.0.0.1', port: fleet.port, path, ca: readFileSync(ca.certFile), agent: false };
  const outgoing = request({ ...place, ...options }, (response) => {
    const { statusCode: status = 0, headers } = response;
    text(response).then((all) => resolve({ status, type: headers['content-type'] ?? '', body: all }), reject);
  });
  outgoing.on('error', reject);
  outgoing.end(body);
  return await promise;
}

const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });

/** `promtool check metrics` reads standard input. */
function assertLint(exposition: string): void {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: exposition,
    encoding: 'utf8',
  });
  assert.deepEqual([status, stdout, stderr], [0, '', ''], 'promtool check metrics');
}

interface Firing {
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

interface Prometheus {
  /** The values of what the query finds, with their labels. */
  query(query: string): Promise<{ labels: Record<string, string>; value: number }[]>;
  firing(): Promise<Firing[]>;
}

/** The example as it is shipped, with this machine's paths, and in a hurry. */
async function startPrometheus(t: TestContext, lab: Lab, nodeExporterPort: number): Promise<Prometheus> {
  const directory = temporaryDirectory(t);
  const at = (name: string) => join(directory, name);
  const rules = readFileSync(join(EXAMPLES, 'cis490.rules.yml'), 'utf8');
  writeFileSync(at('cis490.rules.yml'), rules.replaceAll(/^( +for: ).*$/gm, '$10s'));
  writeFileSync(at('cis490-reader.token'), lab.readerToken);
  const changes: [written: string, here: string][] = [
    ['scrape_interval: 15s', 'scrape_interval: 1s'],
    ['evaluation_interval: 15s', 'evaluation_interval: 1s'],
    ['/etc/prometheus/cis490-ca.crt', lab.ca.certFile],
    ['/etc/prometheus/', `${directory}/`],
    ['receiver.example:8443', `127.0.0.1:${lab.fleet.port}`],
    ['lab-01.example:9100, lab-02.example:9100', `127.0.0.1:${nodeExporterPort}`],
  ];
  const config = changes.reduce(
    (before, [written, here]) => {
      assert.ok(before.includes(written), written);
      return before.replaceAll(written, here);
    },
    readFileSync(join(EXAMPLES, 'prometheus.yml.example'), 'utf8'),
  );
  writeFileSync(at('prometheus.yml'), config);
  const checked = spawnSync('promtool', ['check', 'config', at('prometheus.yml')], { encoding: 'utf8' });
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);

  const port = await freePort();
  const program = Program.command('prometheus', [
    `--config.file=${at('prometheus.yml')}`,
    `--storage.tsdb.path=${at('data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ]);
  t.after(() => program.kill());
  const api = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
    assert.equal(answer.status, 200, path);
    return ((await answer.json()) as { data: unknown }).data;
  };
  return {
    async query(query) {
      const data = (await api(`query?query=${encodeURIComponent(query)}`)) as {
        result: { metric: Record<string, string>; value: [number, string] }[];
      };
      return data.result.map(({ metric, value: [, value] }) => ({ labels: metric, value: Number(value) }));
    },
    async firing() {
      const { alerts } = (await api('alerts')) as { alerts: (Firing & { state: string })[] };
      return alerts.filter(({ state }) => state === 'firing');
    },
  };
}

async function startNodeExporter(t: TestContext, directory: string): Promise<number> {
  const port = await freePort();
  const program = Program.command('prometheus-node-exporter', [
    '--collector.disable-defaults',
    '--collector.textfile',
    `--collector.textfile.directory=${directory}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ]);
  t.after(() => program.kill());
  await until(async () => (await fetch(`http://127.0.0.1:${port}/`)).ok, 'node_exporter answers');
  return port;
}

test('Prometheus and node_exporter: what was shipped, refused and found sick is there, and fires', async (t) => {
  if (!hasSystemPart(t, ['prometheus', '--version'], 'prometheus')) return;
  if (!hasSystemPart(t, ['prometheus-node-exporter', '--version'], 'prometheus-node-exporter')) return;
  if (!hasSystemPart(t, ['openssl', 'version'], 'openssl')) return;
  const lab = await startLab(t);
  const { fleet } = lab;
  const textfiles = join(fleet.root, 'textfiles');
  mkdirSync(textfiles);
  const textfile = join(textfiles, 'cis490-shipper.prom');
  const one = addHost(lab, 'lab-1', `metrics_textfile = "${textfile}"\n`);
  const two = addHost(lab, 'lab-2');
  record(one, 'e1');
  record(one, 'e2');
  record(one, 'stale', STALE_COMMIT);
  record(two, 'e1');
  assert.equal((await fleet.shipOnce(two)).code, 0);
  const shipper = fleet.startShipper(one);
  t.after(() => shipper.kill());
  const prometheus = await startPrometheus(t, lab, await startNodeExporter(t, textfiles));
  const comesTrue = async (query: string, expected: number) =>
    await until(async () => {
      const found = (await prometheus.query(query)).map(({ value }) => value);
      if (found.length === 1 && found[0] === expected) return true;
      throw new Error(`${query} gives ${JSON.stringify(found)}`);
    }, `${query} gives ${expected}`);
  // Without its time a rule may fire at the first look, before anything was scraped.
  const firesAlone = async (name: string) => {
    let found: Firing[] = [];
    await until(async () => {
      found = await prometheus.firing();
      const names = found.map(({ labels }) => labels['alertname']);
      if (names.length === 1 && names[0] === name) return true;
      throw new Error(`${names} fire`);
    }, `${name} fires, and nothing else`);
    const [alone = assert.fail()] = found;
    return alone;
  };

  // Of the receiver.
  await comesTrue('up{job="cis490"}', 1);
  await comesTrue('cis490_host_stored_episodes_total{host="lab-1"}', 2);
  await comesTrue('sum(cis490_host_puts_total{outcome="stored"})', 3);
  await comesTrue('cis490_host_puts_total{host="lab-1",outcome="commit-not-in-window"}', 1);
  await comesTrue('cis490_put_duration_seconds_count{outcome="stored"}', 3);
  const storedBytes = readRows(fleet.store).reduce((sum, { bytes }) => sum + bytes, 0);
  await comesTrue('cis490_put_received_bytes_total{outcome="stored"}', storedBytes);
  await comesTrue('sum(cis490_host_stored_bytes_total)', storedBytes);
  await comesTrue('cis490_ledger_seq', 3);
  await comesTrue('cis490_fsync_duration_seconds_count{file="episode"}', 3);
  await comesTrue('cis490_fsync_duration_seconds_count{file="ledger"} <= bool 3', 1);
  await comesTrue('cis490_host_commit_distance{host="lab-2"}', 0);
  await comesTrue('cis490_gate_blind + cis490_gate_enabled', 1);
  await comesTrue('cis490_store_free_bytes - cis490_store_reserve_bytes == bool cis490_store_room_bytes', 1);
  await comesTrue('min(cis490_collector_success)', 1);
  await comesTrue('round((cis490_certificate_expiry_timestamp_seconds{certificate="server"} - time()) / 86400)', 30);
  await comesTrue('cis490_host_last_stored_timestamp_seconds{host="lab-2"} > bool (time() - 3600)', 1);
  // Of the lab host.
  await comesTrue('cis490_shipper_episodes_total{outcome="stored"}', 2);
  await comesTrue('cis490_shipper_episodes_total{outcome="quarantined"}', 1);
  await comesTrue('cis490_shipper_quarantine_episodes', 1);
  await comesTrue('cis490_shipper_backlog_episodes', 0);
  await comesTrue('cis490_shipper_put_duration_seconds_count{outcome="stored"}', 2);
  await comesTrue('cis490_shipper_pack_duration_seconds_count', 3);
  await comesTrue('round((cis490_certificate_expiry_timestamp_seconds{certificate="client"} - time()) / 86400)', 20);
  await comesTrue('node_textfile_scrape_error', 0);

  // What the monitor finds is passed on. It has never run so far.
  await firesAlone('Cis490MonitorNotRunning');
  const admin = (await cis490('token', 'create', '--role', 'admin', '--config', fleet.receiverConfig)).stdout.trim();
  const report = JSON.stringify({ status: 'red', checks: [{ id: 'disk', status: 'red', summary: 'full' }] });
  const sent = await ask(lab, '/v1/host-health/lab-2', { method: 'PUT', ...bearer(admin) }, report);
  assert.equal(sent.status, 200, sent.body);
  await cis490('fleet-health', '--config', fleet.receiverConfig);
  const { labels, annotations } = await firesAlone('Cis490HostAlert');
  assert.deepEqual([labels['host'], labels['symptom'], labels['severity']], ['lab-2', 'unhealthy', 'warning']);
  assert.equal(annotations['summary'], 'Host lab-2: unhealthy');
  assert.match(annotations['description'] ?? '', /cis490 alerts --host 'lab-2'\.$/);
  await comesTrue('cis490_alerts{symptom="unhealthy",state="firing"}', 1);
  await comesTrue('sum(cis490_alerts)', 1);
  await comesTrue('cis490_host_doctor_status{host="lab-2",status="red"}', 1);

  // Both texts are well-formed, by the tool's own word.
  const page = await ask(lab, '/metrics', bearer(lab.readerToken));
  assert.deepEqual([page.status, page.type], [200, 'text/plain; version=0.0.4; charset=utf-8']);
  assertLint(page.body);
  assertLint(readFileSync(textfile, 'utf8'));

  // A host that is gone for good has no series; what was counted of it in the whole stays.
  await cis490('host', 'retire', 'lab-2', '--reason', 'disk dead', '--config', fleet.receiverConfig);
  await until(async () => !(await ask(lab, '/metrics', bearer(lab.readerToken))).body.includes('lab-2'), 'no lab-2');
  await until(async () => (await prometheus.firing()).length === 0, 'nothing fires for it');
  await comesTrue('cis490_hosts{state="retired"}', 1);
  await comesTrue('cis490_put_duration_seconds_count{outcome="stored"}', 3);
});

test('metrics are for readers: nobody without a credential, and no host', async (t) => {
  if (!hasSystemPart(t, ['openssl', 'version'], 'openssl')) return;
  const lab = await startLab(t);
  const { cert, key } = lab.ca.issue({ subject: '/CN=lab-1' });
  const statuses = await Promise.all([
    ask(lab, '/metrics'),
    ask(lab, '/metrics', { cert, key }),
    ask(lab, '/metrics', bearer('wrong')),
    ask(lab, '/metrics', { method: 'POST', ...bearer(lab.readerToken) }),
    ask(lab, '/metrics', bearer(lab.readerToken)),
  ]);
  assert.deepEqual(
    statuses.map(({ status }) => status),
    [401, 403, 401, 405, 200],
  );
});

test('a metrics file that cannot be written is told once, and shipping goes on', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const directory = join(fleet.root, 'not-there');
  const host = fleet.addHost('lab-1', `metrics_textfile = "${directory}/cis490-shipper.prom"`);
  const shipper = fleet.startShipper(host);
  t.after(() => shipper.kill());
  await shipper.printed(/WARNING the metrics file could not be written.*cure="let the shipper's user write/);
  record(host, 'e1');
  await shipper.printed(/episode shipped/);
  mkdirSync(directory);
  assert.equal((await shipper.stop()).code, 0);
  assert.ok(existsSync(join(directory, 'cis490-shipper.prom')), 'written once more at the end');
  assert.equal(shipper.stderr.match(/could not be written/g)?.length, 1);
});
