// One Markdown table: a line for each row and peer. The ratio is taken round by round, so that a slow minute counts against both.

import { type Spread, spreadOf } from './statistics.ts';
import { titleOf, type Workload } from './workloads.ts';

/** Rates of one contender, one a round; or why there are none. */
export type Measured =
  | { kind: 'rates'; name: string; rates: number[] }
  | { kind: 'missing'; name: string; install: string };

export interface Comparison {
  workload: Workload;
  ours: number[];
  /** In the order of the workload's targets. */
  peers: Measured[];
}

const HEAD = ['row', 'CIS490', 'peer', "peer's", 'ratio', 'target', 'reached'];

/** `more`: lines of the same table that compare no rates. */
export function formatTable(comparisons: readonly Comparison[], more: readonly string[][]): string {
  const lines = comparisons.flatMap(({ workload, ours, peers }) =>
    workload.targets.flatMap(({ atLeast }, index) => {
      const peer = peers[index];
      return peer ? [formatLine(workload, ours, peer, atLeast)] : [];
    }),
  );
  const separator = HEAD.map(() => '---');
  return [HEAD, separator, ...lines, ...more].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

function formatLine(
  workload: Workload,
  ours: readonly number[],
  peer: Measured,
  atLeast: number | undefined,
): string[] {
  const target = atLeast === undefined ? '–' : `≥ ${atLeast} ×`;
  const start = [titleOf(workload), `${formatRates(spreadOf(ours))} ${workload.unit}`, peer.name];
  if (peer.kind === 'missing') return [...start, `not installed: \`${peer.install}\``, '–', target, 'not measured'];
  const ratio = spreadOf(peer.rates.map((rate, round) => (ours[round] ?? Number.NaN) / rate));
  const verdict = atLeast === undefined ? '–' : ratio.median >= atLeast ? 'yes' : '**no**';
  const range = `${ratio.median.toFixed(2)} × (${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)})`;
  return [...start, `${formatRates(spreadOf(peer.rates))} ${workload.unit}`, range, target, verdict];
}

function formatRates({ median, min, max }: Spread): string {
  return `${median.toFixed(0)} (${min.toFixed(0)}–${max.toFixed(0)})`;
}
