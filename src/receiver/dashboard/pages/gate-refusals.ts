// What the gate did not let in, by code and by host, in the last hour and the last day.

import { html } from 'hono/html';
import { PROBLEMS, type ProblemCode } from '../../../protocol/problem.ts';
import type { Outcomes } from '../../attempts/attempt-counter.ts';
import type { Markup } from '../page.ts';
import { badge } from '../show/badges.ts';
import { copyable } from '../show/command.ts';
import { counted, countText } from '../show/figures.ts';
import { hostLink } from '../show/links.ts';

/** Each with what to do. In the order in which they are shown. */
const GATE_CODES = {
  'commit-not-in-window': 'Update the host, or allow the commit for a time.',
  'commit-blocked': 'Update the host: this code makes bad data.',
  'commit-missing': 'Its recorder stamps no commit: install it by its installer.',
  'commit-malformed': 'Its recorder stamps what is no commit.',
  'dirty-refused': 'Its tree was changed by hand: commit, or reinstall.',
  'gate-unknown': 'The host waits: see the gate’s last error.',
  'gate-stale': 'The host waits: see the gate’s last error.',
} as const satisfies Partial<Record<ProblemCode, string>>;
type GateCode = keyof typeof GATE_CODES;
const CODES = Object.keys(GATE_CODES) as GateCode[];

const MOST_HOSTS = 20;

/** By host. */
type OutcomesByHost = ReadonlyMap<string, Outcomes>;

export interface GateRefusals {
  hour: OutcomesByHost;
  day: OutcomesByHost;
}

/** `remediation`: our own commands, as a refused host is told them. */
export function refusalsPart(refusals: GateRefusals, remediation: string): Markup {
  const codes = CODES.map((code) => ({
    code,
    hour: sumOf(refusals.hour, [code]),
    day: sumOf(refusals.day, [code]),
    hosts: [...refusals.day.values()].filter((outcomes) => (outcomes[code] ?? 0) > 0).length,
  })).filter(({ hour, day }) => hour + day > 0);
  return html`<section class="card" id="refused" aria-labelledby="refused-title" data-live="refused">
<h2 id="refused-title">Not let in</h2>
${codes.length === 0 ? html`<p class="muted">Nothing in the last 24 hours.</p>` : html`${codeTable(codes)}${codes.some(({ code }) => PROBLEMS[code][0] < 500) && html`<p class="spaced">On a host that is refused, to bring its code up to date:</p>${copyable(remediation)}`}<h3>By host</h3>${hostTable(refusals)}`}
</section>`;
}

function codeTable(codes: readonly { code: GateCode; hour: number; day: number; hosts: number }[]): Markup {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Refusals by code"><table>
<caption class="visually-hidden">Attempts that the gate did not let in, by code</caption>
<thead><tr><th scope="col">Why</th><th scope="col" class="num">Last hour</th><th scope="col" class="num">24 hours</th><th scope="col" class="num">Hosts</th><th scope="col">What to do</th></tr></thead>
<tbody>${codes.map(({ code, hour, day, hosts }) => {
    const [status, title] = PROBLEMS[code];
    return html`<tr><th scope="row" class="wraps">${badge(status >= 500 ? 'warn' : 'bad', code)} ${title}</th><td class="num">${countText(hour)}</td><td class="num">${countText(day)}</td><td class="num">${countText(hosts)}</td><td class="wraps muted">${GATE_CODES[code]}</td></tr>`;
  })}</tbody>
</table></div>`;
}

function hostTable({ hour, day }: GateRefusals): Markup {
  const hosts = [...day.keys()]
    .map((hostId) => ({
      hostId,
      hour: refusedOf(hour.get(hostId)),
      day: refusedOf(day.get(hostId)),
      codes: CODES.filter((code) => (day.get(hostId)?.[code] ?? 0) > 0),
    }))
    .filter((host) => host.day > 0)
    .sort((one, other) => other.hour - one.hour || other.day - one.day || (one.hostId < other.hostId ? -1 : 1));
  const rest = hosts.slice(MOST_HOSTS);
  const restDay = rest.reduce((sum, host) => sum + host.day, 0);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Refusals by host"><table>
<caption class="visually-hidden">Attempts that the gate did not let in, by host</caption>
<thead><tr><th scope="col">Host</th><th scope="col" class="num">Last hour</th><th scope="col" class="num">24 hours</th><th scope="col">Why</th></tr></thead>
<tbody>${hosts
    .slice(0, MOST_HOSTS)
    .map(
      (host) =>
        html`<tr><th scope="row">${hostLink(host.hostId)}</th><td class="num">${countText(host.hour)}</td><td class="num">${countText(host.day)}</td><td class="wraps">${host.codes.join(', ')}</td></tr>`,
    )}</tbody>
</table></div>
${rest.length > 0 && html`<p class="muted">And ${counted(rest.length, 'host')} more, with ${countText(restDay)} in 24 hours.</p>`}`;
}

/** What one host was not let in for, whatever the code. */
function refusedOf(outcomes: Outcomes | undefined): number {
  return CODES.reduce((sum, code) => sum + (outcomes?.[code] ?? 0), 0);
}

function sumOf(byHost: OutcomesByHost, codes: readonly GateCode[]): number {
  let sum = 0;
  for (const outcomes of byHost.values()) for (const code of codes) sum += outcomes[code] ?? 0;
  return sum;
}
