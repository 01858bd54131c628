// One Markdown table: a line for each row and peer. The ratio is taken round by round, so that a slow minute counts against both.

import { type Spread, spreadOf } from './statistics.ts';

/** Figures of one contender, one a round; or why there are none. */
export type Measured =
  | { kind: 'figures'; name: string; figures: number[] }
  | { kind: 'missing'; name: string; install: string };

/** What our figure divided by the peer's is to be; undefined where a figure only stands beside ours. */
export type Target = { atLeast: number } | { atMost: number } | undefined;

export interface Comparison {
  title: string;
  unit: string;
  /** Digits after the point. */
  digits: number;
  ours: number[];
  peers: { measured: Measured; target: Target }[];
}

/** What one row brings to the table. */
export interface RowResult {
  lines: string[][];
  /** The peers that were not there to be measured. */
  missing: string[];
}

const HEAD = ['row', 'CIS490', 'peer', "peer's", 'ratio', 'target', 'reached'];

export function formatTable(lines: readonly string[][]): string {
  const separator = HEAD.map(() => '---');
  return [HEAD, separator, ...lines].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

export function resultOf(comparison: Comparison): RowResult {
  const { peers } = comparison;
  return {
    lines: peers.map(({ measured, target }) => formatLine(comparison, measured, target)),
    missing: peers.flatMap(({ measured }) => (measured.kind === 'missing' ? [measured.name] : [])),
  };
}

/** A line of what has no peer, with the limit that it is to keep where there is one. */
export function formatLimit(
  title: string,
  ours: readonly number[],
  limit: number | undefined,
  unit: string,
  digits = 0,
): string[] {
  const spread = spreadOf(ours);
  const verdict = limit === undefined ? '–' : spread.max <= limit ? 'yes' : '**no**';
  const aim = limit === undefined ? '–' : `≤ ${limit} ${unit}`;
  return [title, `${formatSpread(spread, digits)} ${unit}`, '–', '–', '–', aim, verdict];
}

function formatLine({ title, unit, digits, ours }: Comparison, peer: Measured, target: Target): string[] {
  const aim = formatTarget(target);
  const start = [title, `${formatSpread(spreadOf(ours), digits)} ${unit}`, peer.name];
  if (peer.kind === 'missing') return [...start, `not installed: \`${peer.install}\``, '–', aim, 'not measured'];
  const ratio = spreadOf(peer.figures.map((figure, round) => (ours[round] ?? Number.NaN) / figure));
  const verdict = target === undefined ? '–' : isReached(ratio.median, target) ? 'yes' : '**no**';
  const range = `${ratio.median.toFixed(2)} × (${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)})`;
  return [...start, `${formatSpread(spreadOf(peer.figures), digits)} ${unit}`, range, aim, verdict];
}

function isReached(ratio: number, target: NonNullable<Target>): boolean {
  return 'atLeast' in target ? ratio >= target.atLeast : ratio <= target.atMost;
}

function formatTarget(target: Target): string {
  if (target === undefined) return '–';
  return 'atLeast' in target ? `≥ ${target.atLeast} ×` : `≤ ${target.atMost} ×`;
}

function formatSpread({ median, min, max }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}
