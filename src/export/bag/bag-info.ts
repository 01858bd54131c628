// bag-info.txt: what the bag is a selection of, written first and for good; and, once it is whole, what it holds.

import { formatSize } from '../../lib/format-size.ts';
import type { Selection } from '../selection.ts';

const AGENT = 'cis490 export';
const LABELS = { host: 'Cis490-Host', commit: 'Cis490-Commit', since: 'Cis490-Since', until: 'Cis490-Until' } as const;

/** The payload's octets and streams, RFC 8493, 2.2.2. */
interface Payload {
  bytes: number;
  files: number;
}

export interface BagContent {
  payload: Payload;
  /** `2026-05-01`. */
  date: string;
  /** Selected episodes that could not be had. */
  leftOut: number;
}

/** Without a content: the note of a bag that is being made. */
export function formatBagInfo({ hosts, commits, since, until }: Selection, content?: BagContent): string {
  const lines: [label: string, value: string][] = [['Bag-Software-Agent', AGENT]];
  for (const host of hosts) lines.push([LABELS.host, host]);
  for (const commit of commits) lines.push([LABELS.commit, commit]);
  if (since !== undefined) lines.push([LABELS.since, since]);
  if (until !== undefined) lines.push([LABELS.until, until]);
  if (content) {
    const { payload, date, leftOut } = content;
    if (leftOut > 0) lines.push(['Cis490-Left-Out', String(leftOut)]);
    lines.push(['Bagging-Date', date], ['Bag-Size', formatSize(payload.bytes)]);
    lines.push(['Payload-Oxum', `${payload.bytes}.${payload.files}`]);
  }
  return lines.map(([label, value]) => `${label}: ${value}\n`).join('');
}

/** Undefined for a bag of another maker. */
export function readSelection(text: string): Selection | undefined {
  const values = (wanted: string) =>
    text.split('\n').flatMap((line) => {
      const [label, ...rest] = line.split(': ');
      return label === wanted ? [rest.join(': ')] : [];
    });
  if (!values('Bag-Software-Agent').includes(AGENT)) return undefined;
  return {
    hosts: values(LABELS.host),
    commits: values(LABELS.commit),
    since: values(LABELS.since)[0],
    until: values(LABELS.until)[0],
  };
}
