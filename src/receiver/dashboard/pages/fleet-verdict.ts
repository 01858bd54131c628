// How the fleet is in one line, and why: pure. What could hide a sick host counts before the hosts themselves, so that “all is well” is
// only said by somebody who has looked.

import { html } from 'hono/html';
import { formatSize } from '../../../lib/format-size.ts';
import { DOCTOR_CHECKS } from '../../../protocol/doctor-checks.ts';
import type { Markup } from '../page.ts';
import { commitCode, counted, countText } from '../show/figures.ts';
import { timeAgo } from '../show/time.ts';
import { gravityOfHost, isQuiet, needsYou } from './fleet-order.ts';
import type { FleetPicture } from './fleet-picture.ts';

export type VerdictTone = 'good' | 'warn' | 'bad' | 'idle';

/** What is wrong with the receiver's side, and what to run there. */
export interface Finding {
  tone: 'warn' | 'bad';
  headline: string;
  more: Markup | string;
  /** On the receiver's machine. */
  command: string;
}

export interface Verdict {
  tone: VerdictTone;
  headline: string;
  findings: Finding[];
}

const GATE_TOO_LATE_MS = 30 * 60_000;
const NO_HOST = 'No lab host is known yet';

export function judgeFleet(picture: FleetPicture): Verdict {
  const findings = [...findReceiver(picture), ...findMonitor(picture)];
  const hosts = judgeHosts(picture);
  const ofFleet = picture.fleet.verdict.alerts.filter((alert) => !isQuiet(alert));
  const [whole] = ofFleet;
  const [gravest] = findings.toSorted((left, right) => gravityOf(left.tone) - gravityOf(right.tone));
  if (gravest?.tone === 'bad') return { tone: 'bad', headline: gravest.headline, findings };
  if (whole) {
    const tone = ofFleet.some(({ severity }) => severity === 'critical') ? 'bad' : 'warn';
    return { tone, headline: `The whole fleet: ${whole.symptom}`, findings };
  }
  // Sick hosts are told by what is known of them, with the monitor or without.
  if (hosts.tone === 'bad' || hosts.tone === 'warn') return { ...hosts, findings };
  if (gravest) return { tone: gravest.tone, headline: gravest.headline, findings };
  return { ...hosts, findings };
}

function findReceiver({ cannotStore, gateBlind, fleet, now }: FleetPicture): Finding[] {
  const findings: Finding[] = [];
  if (cannotStore.length > 0) {
    findings.push({
      tone: 'bad',
      headline: 'The receiver cannot store',
      more: cannotStore.join('; '),
      command: 'sudo cis490 doctor --role receiver',
    });
  }
  if (gateBlind) {
    const { since, why } = gateBlind;
    const isLong = since === null || Date.parse(now) - Date.parse(since) > GATE_TOO_LATE_MS;
    findings.push({
      tone: isLong ? 'bad' : 'warn',
      headline: 'The gate is blind',
      more: html`It last read the branch ${timeAgo(since, fleet.generated_at)}: ${why}. New commits wait, and stale ones are not refused.`,
      command: DOCTOR_CHECKS['gate-freshness'].cure,
    });
  }
  return findings;
}

function findMonitor({ monitorLate, now }: FleetPicture): Finding[] {
  if (!monitorLate) return [];
  const { since } = monitorLate;
  return [
    {
      tone: 'warn',
      headline: since === null ? 'The monitor has never run' : 'The monitor no longer runs',
      more:
        since === null
          ? 'Nobody is told of a sick host, and no alert stands here.'
          : html`It last ran ${timeAgo(since, now)}: alerts are as of then, and nobody is told of new ones.`,
      command:
        'sudo systemctl enable --now cis490-fleet-health.timer\nsudo journalctl -u cis490-fleet-health -n 50 --no-pager',
    },
  ];
}

function judgeHosts({ fleet }: FleetPicture): Omit<Verdict, 'findings'> {
  const gravities = fleet.hosts.map(gravityOfHost);
  const inService = gravities.filter((gravity) => gravity < 5).length;
  if (inService === 0) return { tone: 'idle', headline: NO_HOST };
  const waiting = fleet.hosts.filter(needsYou);
  if (waiting.length > 0) {
    const isBad = waiting.some(({ state, alerts }) => state === 'silent' || state === 'refused' || isCritical(alerts));
    const of = waiting.length === inService ? '' : `${countText(waiting.length)} of `;
    const all = waiting.length === inService && inService > 1 ? 'All ' : '';
    const verb = waiting.length === 1 ? 'needs' : 'need';
    return { tone: isBad ? 'bad' : 'warn', headline: `${all}${of}${counted(inService, 'host')} ${verb} you` };
  }
  const after = gravities.filter((gravity) => gravity === 3).length;
  if (after > 0) {
    const headline =
      after === 1
        ? 'All is well, but for one host that is looked after'
        : `All is well, but for ${countText(after)} hosts that are looked after`;
    return { tone: 'good', headline };
  }
  return {
    tone: 'good',
    headline: inService === 1 ? 'All is well: one host' : `All is well: ${counted(inService, 'host')}`,
  };
}

function isCritical(alerts: FleetPicture['fleet']['hosts'][number]['alerts']): boolean {
  return alerts.some((alert) => alert.severity === 'critical' && !isQuiet(alert));
}

function gravityOf(tone: Finding['tone']): number {
  return tone === 'bad' ? 0 : 1;
}

/** What stands beside it in any case. */
export function fleetFacts({ fleet, now }: FleetPicture): Markup {
  const { hosts, head, monitor_ran_at: ranAt } = fleet;
  const after = hosts.filter((host) => gravityOfHost(host) === 3).length;
  const episodes = hosts.reduce((sum, host) => sum + host.episodes_24h, 0);
  const bytes = hosts.reduce((sum, host) => sum + host.bytes_24h, 0);
  return html`<p class="figures" data-live="facts"><span><b>${counted(episodes, 'episode')}</b>, ${formatSize(bytes)} stored in 24 h</span>
${head !== null && html`<span>head ${commitCode(head)}</span>`}
<span>monitor ran ${timeAgo(ranAt, now)}</span>
${after > 0 && html`<span>${counted(after, 'host')} looked after</span>`}</p>`;
}
