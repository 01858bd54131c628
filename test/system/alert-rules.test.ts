// etc/prometheus/cis490.rules.yml by Prometheus' own tool: each rule fires on planted series after its time, and not before; and never on
// those of a fleet that is well.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PROJECT_ROOT } from '../support/program.ts';
import { hasSystemPart } from '../support/system-part.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const RULES = join(PROJECT_ROOT, 'etc/prometheus/cis490.rules.yml');
const RECEIVER = { job: 'cis490', instance: 'r:8443' };
const LAST_MINUTE = 45;
const DAY_S = 86_400;

/** A series' name → its values, a minute apart, as promtool writes them: `0x9` ten zeros, `0+60x9` from 0 on by 60. */
type Series = Record<string, string>;

interface RuleCase {
  alert: string;
  severity: string;
  sick: Series;
  well: Series;
  /** In minutes: pending here, and firing there. */
  pendingAt: number;
  firingAt: number;
  /** Of what fires, besides the alert's name and severity. */
  labels: Record<string, string>;
}

const HOST = { ...RECEIVER, host: 'lab-1' };
const certificate = (name: string, instance = RECEIVER.instance) =>
  `cis490_certificate_expiry_timestamp_seconds{job="cis490",instance="${instance}",certificate="${name}"}`;
const receiver = (name: string) => `${name}{job="cis490",instance="r:8443"}`;
const ofHost = (name: string) => `${name}{job="cis490",instance="r:8443",host="lab-1"}`;

const CASES: RuleCase[] = [
  {
    alert: 'Cis490ReceiverDown',
    severity: 'critical',
    sick: { [receiver('up')]: '1x4 0x40' },
    // Once is a restart.
    well: { [receiver('up')]: '1x4 0 1x40' },
    pendingAt: 6,
    firingAt: 8,
    labels: RECEIVER,
  },
  {
    alert: 'Cis490ReceiverAbsent',
    severity: 'critical',
    sick: { 'up{job="node",instance="r:9100"}': '1x45' },
    well: { [receiver('up')]: '0x45' },
    pendingAt: 4,
    firingAt: 6,
    labels: { job: 'cis490' },
  },
  {
    alert: 'Cis490MonitorNotRunning',
    severity: 'critical',
    sick: { [receiver('cis490_monitor_last_run_timestamp_seconds')]: '0x45' },
    well: { [receiver('cis490_monitor_last_run_timestamp_seconds')]: '0+60x45' },
    pendingAt: 18,
    firingAt: 22,
    labels: RECEIVER,
  },
  {
    alert: 'Cis490GateBlind',
    severity: 'warning',
    sick: { [receiver('cis490_gate_blind')]: '1x45' },
    well: { [receiver('cis490_gate_blind')]: '0 1x8 0x40' },
    pendingAt: 9,
    firingAt: 11,
    labels: RECEIVER,
  },
  {
    alert: 'Cis490StoreFull',
    severity: 'critical',
    sick: { [receiver('cis490_store_room_bytes')]: '-1x45' },
    well: { [receiver('cis490_store_room_bytes')]: '1x45' },
    pendingAt: 1,
    firingAt: 3,
    labels: RECEIVER,
  },
  {
    alert: 'Cis490StoreReserveNear',
    severity: 'warning',
    sick: { [receiver('cis490_store_room_bytes')]: '99x45', [receiver('cis490_store_reserve_bytes')]: '100x45' },
    well: { [receiver('cis490_store_room_bytes')]: '100x45', [receiver('cis490_store_reserve_bytes')]: '100x45' },
    pendingAt: 9,
    firingAt: 11,
    labels: RECEIVER,
  },
  {
    alert: 'Cis490MetricsIncomplete',
    severity: 'warning',
    sick: { 'cis490_collector_success{job="cis490",instance="r:8443",collector="gate"}': '0x45' },
    well: { 'cis490_collector_success{job="cis490",instance="r:8443",collector="gate"}': '0x5 1x40' },
    pendingAt: 9,
    firingAt: 11,
    labels: { ...RECEIVER, collector: 'gate' },
  },
  {
    alert: 'Cis490CertificateEndsSoon',
    severity: 'critical',
    sick: { [certificate('server')]: `${2 * DAY_S}x45` },
    well: { [certificate('server')]: `${4 * DAY_S}x45` },
    pendingAt: 4,
    firingAt: 6,
    labels: { ...RECEIVER, certificate: 'server' },
  },
  {
    alert: 'Cis490CertificateEnding',
    severity: 'warning',
    // Of a lab host: passed on by node_exporter.
    sick: { [certificate('client', 'lab-1:9100')]: `${13 * DAY_S}x75` },
    well: { [certificate('client', 'lab-1:9100')]: `${15 * DAY_S}x75`, [certificate('server')]: `${2 * DAY_S}x75` },
    pendingAt: 59,
    firingAt: 61,
    labels: { job: 'cis490', instance: 'lab-1:9100', certificate: 'client' },
  },
  {
    alert: 'Cis490AuthorityEnding',
    severity: 'warning',
    sick: { [certificate('authority')]: `${89 * DAY_S}x75` },
    well: { [certificate('authority')]: `${91 * DAY_S}x75`, [certificate('server')]: `${89 * DAY_S}x75` },
    pendingAt: 59,
    firingAt: 61,
    labels: { ...RECEIVER, certificate: 'authority' },
  },
  {
    alert: 'Cis490HostAlert',
    severity: 'critical',
    sick: {
      'cis490_alert_firing{job="cis490",instance="r:8443",host="lab-1",symptom="silent",severity="critical"}': '1x45',
    },
    well: {
      'cis490_alerts{job="cis490",instance="r:8443",symptom="silent",severity="critical",state="silenced"}': '1x45',
    },
    pendingAt: 0,
    firingAt: 2,
    labels: { ...HOST, symptom: 'silent' },
  },
  {
    alert: 'Cis490HostBacklogOld',
    severity: 'warning',
    sick: {
      [ofHost('cis490_host_backlog_oldest_seconds')]: '7201x45',
      [ofHost('cis490_host_last_heartbeat_timestamp_seconds')]: '0+60x45',
      [receiver('cis490_monitor_last_run_timestamp_seconds')]: '-1000x45',
    },
    // What a host said hours ago is no news; and what waits for less than two hours is none either.
    well: {
      [ofHost('cis490_host_backlog_oldest_seconds')]: '7201x45',
      [ofHost('cis490_host_last_heartbeat_timestamp_seconds')]: '-10000x45',
      'cis490_host_backlog_oldest_seconds{job="cis490",instance="r:8443",host="lab-2"}': '7199x45',
      'cis490_host_last_heartbeat_timestamp_seconds{job="cis490",instance="r:8443",host="lab-2"}': '0+60x45',
      [receiver('cis490_monitor_last_run_timestamp_seconds')]: '-1000x45',
      // The monitor of another receiver runs, and tells of it itself.
      'cis490_host_backlog_oldest_seconds{job="cis490",instance="s:8443",host="lab-3"}': '7201x45',
      'cis490_host_last_heartbeat_timestamp_seconds{job="cis490",instance="s:8443",host="lab-3"}': '0+60x45',
      'cis490_monitor_last_run_timestamp_seconds{job="cis490",instance="s:8443"}': '0+60x45',
    },
    pendingAt: 14,
    firingAt: 16,
    labels: HOST,
  },
  {
    alert: 'Cis490HostQuarantineGrowing',
    severity: 'warning',
    sick: {
      [ofHost('cis490_host_quarantine_episodes')]: '5x4 15x45',
      [receiver('cis490_monitor_last_run_timestamp_seconds')]: '-1000x45',
    },
    // Requeued and refused once more: no more of them than there were.
    well: {
      [ofHost('cis490_host_quarantine_episodes')]: '500x4 0x3 9x40',
      [receiver('cis490_monitor_last_run_timestamp_seconds')]: '-1000x45',
    },
    pendingAt: 14,
    firingAt: 16,
    labels: HOST,
  },
  {
    alert: 'Cis490ShipperMetricsStale',
    severity: 'warning',
    sick: {
      'node_textfile_mtime_seconds{job="lab-hosts",instance="lab-1:9100",file="/x/cis490-shipper.prom"}': '0x45',
    },
    well: {
      'node_textfile_mtime_seconds{job="lab-hosts",instance="lab-1:9100",file="/x/cis490-shipper.prom"}': '0+60x45',
      'node_textfile_mtime_seconds{job="lab-hosts",instance="lab-1:9100",file="/x/apt.prom"}': '0x45',
    },
    pendingAt: 9,
    firingAt: 11,
    labels: { job: 'lab-hosts', instance: 'lab-1:9100', file: '/x/cis490-shipper.prom' },
  },
];

test('each rule has its case', () => {
  const rules = [...readFileSync(RULES, 'utf8').matchAll(/^ +- alert: (\w+)$/gm)].map(([, name]) => name);
  assert.deepEqual(
    CASES.map(({ alert }) => alert),
    rules,
  );
});

test('each rule names its time, a severity, and a cure', () => {
  const [, ...blocks] = readFileSync(RULES, 'utf8').split(/^ +- alert: /m);
  for (const block of blocks) {
    for (const part of [/^ +for: \d+[mh]$/m, /^ +severity: /m, /^ +summary: /m, /(?:sudo |cis490 |promtool )/]) {
      assert.match(block, part, block);
    }
  }
});

test('promtool check rules finds nothing', (t) => {
  if (!hasSystemPart(t, ['promtool', '--version'], 'prometheus')) return;
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', RULES], { encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, new RegExp(`SUCCESS: ${CASES.length} rules found`));
});

test('promtool test rules: each fires when it is to, and on nothing else', (t) => {
  if (!hasSystemPart(t, ['promtool', '--version'], 'prometheus')) return;
  // JSON is YAML.
  const path = join(temporaryDirectory(t), 'rules.test.yml');
  const tests = CASES.flatMap((it) => [sickTest(it), wellTest(it)]);
  writeFileSync(path, JSON.stringify({ rule_files: [RULES], evaluation_interval: '1m', tests }, null, 1));
  const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', path], { encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
});

function sickTest({ alert, severity, sick, pendingAt, firingAt, labels }: RuleCase) {
  const all = { alertname: alert, alertstate: 'firing', severity, ...labels };
  const firing = `ALERTS{${Object.entries(all)
    .map(([name, value]) => `${name}="${value}"`)
    .join(', ')}}`;
  const expr = `ALERTS{alertname="${alert}", alertstate="firing"}`;
  return {
    name: `${alert}: sick`,
    interval: '1m',
    input_series: seriesOf(sick),
    promql_expr_test: [
      { expr, eval_time: `${pendingAt}m`, exp_samples: [] },
      { expr, eval_time: `${firingAt}m`, exp_samples: [{ labels: firing, value: 1 }] },
    ],
  };
}

function wellTest({ alert, well, firingAt }: RuleCase) {
  const expr = `ALERTS{alertname="${alert}", alertstate="firing"}`;
  const times = [firingAt, Math.max(firingAt, LAST_MINUTE)];
  return {
    name: `${alert}: well`,
    interval: '1m',
    input_series: seriesOf(well),
    promql_expr_test: times.map((minute) => ({ expr, eval_time: `${minute}m`, exp_samples: [] })),
  };
}

function seriesOf(series: Series) {
  return Object.entries(series).map(([name, values]) => ({ series: name, values }));
}
