// The data set as a page.

import { html } from 'hono/html';
import { formatSize } from '../../../lib/format-size.ts';
import type { CommitTally, NewestPage, Tally } from '../../../storage/ledger.ts';
import type { Markup, Page } from '../page.ts';
import { copyable } from '../show/command.ts';
import { counted, countText } from '../show/figures.ts';
import { episodeLink, hostLink } from '../show/links.ts';
import { dayCharts } from './data-days.ts';
import { episodesTable } from './data-episodes.ts';
import { dataForm } from './data-form.ts';
import { type DataQuestion, dataPath, exportOptions, hasFilter } from './data-question.ts';
import { commitTallies, hostTallies, sumOf } from './data-tallies.ts';

export interface DataFacts {
  question: DataQuestion;
  /** Over all time. */
  hosts: readonly Tally[];
  commits: readonly Tally[];
  /** Every day of what is selected; undefined where it is not counted by day. */
  days: readonly Tally[] | undefined;
  /** The same as `hosts` and `commits`, of the days that are selected; undefined where none are. */
  hostsInDays: readonly Tally[] | undefined;
  commitsInDays: readonly Tally[] | undefined;
  /** By commit, where one host is selected. */
  ofHost: readonly CommitTally[] | undefined;
  /** Undefined where no episode was asked for by its name. */
  found: readonly { host_id: string; episode_id: string }[] | undefined;
  newest: NewestPage;
  distanceOf: (commit: string) => number | null;
  /** Of this receiver, as the reader reaches it. */
  origin: string;
  needsCredential: boolean;
  /** A wall time. */
  now: string;
}

export function dataView(facts: DataFacts): Page {
  const { question, hosts } = facts;
  const hasMistakes = Object.keys(question.mistakes).length > 0;
  const isFirstPage = question.beforeSeq === undefined && facts.found === undefined && !hasMistakes;
  return {
    title: 'Data set',
    section: 'data',
    topics: isFirstPage ? ['stored', 'tick'] : [],
    body: hosts.length === 0 ? nothingStored() : whole(facts),
  };
}

function nothingStored(): Markup {
  return html`<h1>Data set</h1>
<section class="card empty" data-live="overview">
<p><strong>Nothing is stored yet.</strong></p>
<p>The first episode that a lab host ships stands here. Whether a host can reach this receiver, it says itself:</p>
${copyable('cis490 shipper --ping')}
</section>`;
}

function whole(facts: DataFacts): Markup {
  const { question, hosts, found, days } = facts;
  const { since, until } = question.filter;
  const isAnswered = Object.keys(question.mistakes).length === 0;
  return html`<h1>Data set</h1>
<div data-live="overview">${totals(facts)}</div>
${found === undefined && isAnswered && days && days.length > 0 && dayCharts(days, since === undefined && until === undefined)}
${dataForm(question, hosts)}
${found && foundEpisodes(found)}
${found === undefined && isAnswered && html`${episodes(facts)}${takeOut(facts)}${tables(facts)}`}`;
}

function totals({ question: { filter }, hosts, commits, hostsInDays, commitsInDays, ofHost }: DataFacts): Markup {
  const all = sumOf(hosts);
  const selected = selectedTally({ filter, hosts, commits, hostsInDays, commitsInDays, ofHost });
  const whole = html`<strong class="figure">${countText(all.episodes)}</strong> episode${all.episodes === 1 ? '' : 's'} · <strong class="figure">${formatSize(all.sizeBytes)}</strong> · ${counted(hosts.length, 'host')} · ${counted(commits.length, 'commit')}`;
  return html`<section class="card totals"><p>${whole}</p>${
    selected &&
    html`<p class="muted">Selected: ${counted(selected.episodes, 'episode')}, ${formatSize(selected.sizeBytes)}.</p>`
  }<p class="muted small">Retracted episodes count here, and are left out of what is listed and taken out.</p><p class="first"><a href="/data">Show the first episode</a></p></section>`;
}

/** Undefined where the selection is not counted. */
function selectedTally({
  filter,
  ...counts
}: Pick<DataFacts, 'hosts' | 'commits' | 'hostsInDays' | 'commitsInDays' | 'ofHost'> & {
  filter: DataQuestion['filter'];
}): { episodes: number; sizeBytes: number } | undefined {
  const { hostId, commit, since, until } = filter;
  if (!hasFilter(filter)) return undefined;
  const isTimed = since !== undefined || until !== undefined;
  if (isTimed && !counts.hostsInDays) return undefined;
  if (hostId !== undefined && commit !== undefined)
    return counts.ofHost && sumOf(counts.ofHost.filter((tally) => tally.commit === commit));
  if (hostId !== undefined) return sumOf((counts.hostsInDays ?? counts.hosts).filter(({ key }) => key === hostId));
  if (commit !== undefined) return sumOf((counts.commitsInDays ?? counts.commits).filter(({ key }) => key === commit));
  return sumOf(counts.hostsInDays ?? []);
}

function foundEpisodes(found: NonNullable<DataFacts['found']>): Markup {
  if (found.length === 0)
    return html`<section class="card empty" role="status"><p><strong>No episode of that name is stored here.</strong></p><p><a href="/data">All episodes</a></p></section>`;
  return html`<section class="card"><h2>${counted(found.length, 'host')} have an episode of that name</h2><ul>${found.map(
    ({ host_id, episode_id }) => html`<li>${hostLink(host_id)}: ${episodeLink(host_id, episode_id)}</li>`,
  )}</ul></section>`;
}

function episodes({ question, newest, distanceOf, now }: DataFacts): Markup {
  const { filter, beforeSeq } = question;
  const { rows, nextBeforeSeq } = newest;
  return html`<section class="card" aria-labelledby="episodes-title" id="episodes">
<h2 id="episodes-title">${beforeSeq === undefined ? 'Newest episodes' : 'Older episodes'}</h2>
${rows.length === 0 ? noRows(filter, nextBeforeSeq) : episodesTable({ rows, distanceOf, now })}
<nav class="pager" aria-label="Episodes by age">
${beforeSeq !== undefined && html`<a class="button" href="${dataPath(filter)}#episodes">Newest</a>`}
${nextBeforeSeq !== undefined && html`<a class="button" rel="next" href="${dataPath(filter, { before: String(nextBeforeSeq) })}#episodes">Older</a>`}
</nav>
</section>`;
}

function noRows(filter: DataQuestion['filter'], nextBeforeSeq: number | undefined): Markup {
  const text =
    nextBeforeSeq === undefined ? 'No episode is stored of this selection.' : 'None so far: look further back.';
  return html`<div class="empty"><p>${text}</p>${hasFilter(filter) && html`<p><a href="/data">All episodes</a></p>`}</div>`;
}

function takeOut({ question: { filter }, origin, needsCredential }: DataFacts): Markup {
  const token = needsCredential ? ' --token-file reader.token' : '';
  const header = needsCredential ? ' -H "Authorization: Bearer $(cat reader.token)"' : '';
  return html`<section class="card" aria-labelledby="take-out-title">
<h2 id="take-out-title">Take it out</h2>
<p>${hasFilter(filter) ? 'What is selected' : 'All of it'}, as a directory that anybody can check; run it again to go on or to bring it up to date:</p>
${copyable(`cis490 export --receiver ${origin}${token}${exportOptions(filter)} --out data-set`)}
<p>The whole ledger, a line of JSON for each episode:</p>
${copyable(`curl -fsS${header} ${origin}/v1/index > index.jsonl`)}
${needsCredential && html`<p class="muted">The file has a reader’s token: <code>cis490 token create --role reader &gt; reader.token</code> on the receiver.</p>`}
</section>`;
}

function tables(facts: DataFacts): Markup {
  const { question, hosts, commits, hostsInDays, commitsInDays, ofHost, distanceOf } = facts;
  const { filter, inFull } = question;
  if (filter.commit !== undefined) return html``;
  const commitsShown = ofHost?.map(({ commit, ...tally }) => ({ key: commit, ...tally }));
  if (filter.hostId !== undefined && !commitsShown) return html``;
  return html`<div class="grid">
${filter.hostId === undefined && hostTallies(hostsInDays ?? hosts, { filter, isInFull: inFull === 'hosts' })}
${commitTallies(commitsShown ?? commitsInDays ?? commits, { filter, isInFull: inFull === 'commits', distanceOf })}
</div>`;
}
