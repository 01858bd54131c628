// A host's doctor: our meaning of each of its checks, the cure from our own table, and what the host says of it, as text alone.

import { html } from 'hono/html';
import type { CheckStatus } from '../../../lib/self-check/check-result.ts';
import type { ReportedChecks } from '../../../protocol/answers.ts';
import { DOCTOR_CHECKS, isHostCheckId } from '../../../protocol/doctor-checks.ts';
import { isHostId } from '../../../protocol/ids.ts';
import type { Markup } from '../page.ts';
import { statusBadge } from './badges.ts';
import { copyable } from './command.ts';
import { counted } from './figures.ts';

type Check = ReportedChecks[number];

const GRAVITY: Record<CheckStatus, number> = { red: 0, yellow: 1, unknown: 2, green: 3 };

/** `checks`: as the host reported them, of any version; nothing of them becomes a command, a link or a class. */
export function doctorChecks(checks: ReportedChecks, hostId: string): Markup {
  const sorted = checks.toSorted((left, right) => GRAVITY[left.status] - GRAVITY[right.status]);
  const [well, others] = [sorted.filter(isGreen), sorted.filter((check) => !isGreen(check))];
  return html`${others.length > 0 && html`<ul class="checks">${others.map((check) => checkItem(check, hostId))}</ul>`}
${
  well.length > 0 &&
  html`<details id="green-checks"><summary>${counted(well.length, 'green check')}</summary><ul class="checks">${well.map((check) => checkItem(check, hostId))}</ul></details>`
}`;
}

function isGreen({ status }: Check): boolean {
  return status === 'green';
}

function checkItem({ id, status, summary }: Check, hostId: string): Markup {
  const known = isHostCheckId(id) ? DOCTOR_CHECKS[id] : undefined;
  const isWrong = status === 'red' || status === 'yellow';
  const meaning = known === undefined ? 'a check that this receiver does not know' : known.meaning;
  return html`<li class="check"><p>${statusBadge(status)} <strong>${id}</strong>${(isWrong || !known) && html`<span>: ${meaning}</span>`}</p>
${summary !== '' && html`<p class="says"><span class="muted">It says:</span> ${summary}</p>`}
${isWrong && known && isHostId(hostId) && html`<p class="where muted">${whereOf(id, hostId)}</p>${copyable(known.cure.replace(/\bHOST\b/g, hostId))}`}
</li>`;
}

/** Tokens are made where they are judged. */
function whereOf(id: string, hostId: string): string {
  return id === 'token-expiry' ? 'On the receiver:' : `On ${hostId}:`;
}
