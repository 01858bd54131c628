// How the fleet spreads over commits, and how far each release has come.

import { html } from 'hono/html';
import { inertLine } from '../../../lib/inert-text.ts';
import type { CommitSpread, ReleaseProgress, RollOutProgress } from '../../releases/roll-out-progress.ts';
import type { Markup } from '../page.ts';
import { badge } from '../show/badges.ts';
import { copyable } from '../show/command.ts';
import { commitCode, counted, countText, distanceText } from '../show/figures.ts';
import { commitLink, hostLink, isCommit } from '../show/links.ts';
import { shareBar } from '../show/share-bar.ts';

const MOST_COMMITS = 20;
const MOST_RELEASES = 5;
const MOST_FAILED = 10;
// As many as the commands take for one commit among all, and few enough to be read.
const COMMAND_DIGITS = 12;

export function spreadPart({ spread }: RollOutProgress, gateIsOn: boolean): Markup {
  const hosts = spread.reduce((sum, one) => sum + one.hosts, 0);
  const rest = spread.slice(MOST_COMMITS);
  return html`<section class="card" id="spread" aria-labelledby="spread-title" data-live="spread">
<h2 id="spread-title">The fleet over commits</h2>
${
  hosts === 0
    ? html`<p class="muted">No host is in service yet.</p>`
    : html`<div class="scroll" tabindex="0" role="region" aria-label="The fleet over commits, as a table"><table>
<caption class="visually-hidden">How many hosts run which commit, by its distance to the head</caption>
<thead><tr><th scope="col">Commit</th><th scope="col">To the head</th><th scope="col" class="num">Hosts</th><th scope="col" class="bar-cell"><span class="visually-hidden">Share</span></th></tr></thead>
<tbody>${spread.slice(0, MOST_COMMITS).map((one) => spreadRow(one, hosts, gateIsOn))}</tbody>
</table></div>
${rest.length > 0 && html`<p class="muted">And ${counted(rest.length, 'commit')} more, of ${counted(sum(rest), 'host')}.</p>`}`
}
</section>`;
}

function spreadRow({ commit, hosts, headDistance }: CommitSpread, all: number, gateIsOn: boolean): Markup {
  const isOutside = commit !== null && headDistance === null && gateIsOn;
  const distance = commit === null ? 'not known' : gateIsOn ? distanceText(headDistance) : '';
  return html`<tr><th scope="row">${commitLink(commit)}</th><td>${isOutside ? badge('warn', distance) : distance}</td><td class="num">${countText(hosts)}</td><td class="bar-cell">${shareBar(hosts / all, isOutside ? 'warn' : 'plain')}</td></tr>`;
}

export function rollOutsPart({ releases, spread }: RollOutProgress): Markup {
  const hosts = sum(spread);
  return html`<section class="card" id="roll-outs" aria-labelledby="roll-outs-title" data-live="roll-outs">
<h2 id="roll-outs-title">Roll-outs</h2>
${
  releases.length === 0
    ? html`<p class="muted">No release is published. The hosts keep what they have, or are updated from git.</p>`
    : html`<ul class="releases">${releases.slice(0, MOST_RELEASES).map((release, index) => releaseItem(release, hosts, index === 0))}</ul>`
}
</section>`;
}

function releaseItem(release: ReleaseProgress, hosts: number, isNewest: boolean): Markup {
  const { number, commit, percent, paused, running, onTrial, failed } = release;
  const goesTo = percent === 0 ? 'nobody' : percent === 100 ? 'all hosts' : `${percent} % of the hosts`;
  return html`<li>
<p><strong>Release ${String(number)}</strong> ${commitCode(inertLine(commit))} ${paused ? badge('warn', 'paused') : badge(percent === 100 ? 'good' : 'idle', `goes to ${goesTo}`)}${paused && html` <span class="muted">it went to ${goesTo}</span>`}</p>
<p>${countText(running)} of ${counted(hosts, 'host')} ${running === 1 ? 'runs' : 'run'} it${onTrial > 0 && `, ${countText(onTrial)} of them on trial`}.${failed.length > 0 && html` ${badge('bad', `failed on ${countText(failed.length)}`)} ${failedHosts(failed)}`}</p>
${shareBar(hosts === 0 ? 0 : running / hosts, 'good')}
${isNewest && isCommit(commit) && commands(commit.slice(0, COMMAND_DIGITS), percent, paused)}
</li>`;
}

function failedHosts(failed: readonly string[]): Markup {
  const shown = failed.slice(0, MOST_FAILED);
  const rest = failed.length - shown.length;
  return html`${shown.map((hostId, index) => html`${index > 0 && ', '}${hostLink(hostId)}`)}${rest > 0 && ` and ${countText(rest)} more`}`;
}

function commands(commit: string, percent: number, paused: boolean): Markup {
  if (paused) return copyable(`sudo cis490 release resume ${commit}`);
  return html`${copyable(`sudo cis490 release pause ${commit}`)}${percent < 100 && copyable(`sudo cis490 release percent ${commit} ${percent < 50 ? 50 : 100}`)}`;
}

function sum(spread: readonly CommitSpread[]): number {
  return spread.reduce((all, { hosts }) => all + hosts, 0);
}
