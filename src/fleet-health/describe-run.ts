// How a run tells what it found: the last line of its log, and one JSON document.

import { type AlertRow, dedupKeyOf, SYMPTOMS } from '../protocol/alert.ts';
import type { FailedSource } from './observe.ts';
import type { Finding, Observed } from './observed.ts';

export interface RunResult {
  nowWall: string;
  hostsChecked: number;
  newAlerts: readonly AlertRow[];
  findings: readonly Finding[];
  failed: readonly FailedSource[];
}

export function summaryOf({ hostsChecked, newAlerts }: RunResult, alertsPath: string, dryRun: boolean): string {
  const hosts = `${hostsChecked} ${hostsChecked === 1 ? 'host' : 'hosts'} checked`;
  if (newAlerts.length === 0) return `fleet-health: ${hosts}, no new alerts`;
  const alerts = `${newAlerts.length} new ${newAlerts.length === 1 ? 'alert' : 'alerts'}`;
  return `fleet-health: ${hosts}, ${alerts} ${dryRun ? 'that would go to' : 'in'} ${alertsPath}`;
}

export function runAsJson({ nowWall, hostsChecked, newAlerts, findings, failed }: RunResult): string {
  const document = {
    generated_at: nowWall,
    hosts_checked: hostsChecked,
    new_alerts: newAlerts,
    findings: findings.map(({ host, symptom, detail, suggestedFix }) => ({
      host,
      symptom,
      severity: SYMPTOMS[symptom],
      detail,
      suggested_fix: suggestedFix,
      dedup_key: dedupKeyOf(host, symptom, nowWall),
    })),
    skipped: failed.map(({ source, reason, hint, symptoms }) => ({ source, reason, next: hint ?? null, symptoms })),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Of whatever they are known, without those that are retired. */
export function countHosts(observed: Observed): number {
  const { ledger, attempts, heartbeats, reports, expectedSinceMs, retired } = observed;
  const known = [ledger, attempts, heartbeats, reports, expectedSinceMs].flatMap((hosts) => [...(hosts?.keys() ?? [])]);
  return new Set(known).difference(retired as Set<string>).size;
}
