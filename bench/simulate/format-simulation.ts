// A simulation's result for people: what was asked, how long the answers took, and what it cost the receiver.

import { peerLimitNote } from './open-files.ts';
import type { Percentiles } from './percentiles.ts';
import type { SimulationOptions, SimulationResult } from './simulation.ts';

export function formatSimulation({ hosts, seconds, speed, seed }: SimulationOptions, result: SimulationResult): string {
  const { latencyMs, latenessMs, answers, failures, receiver, tick, views } = result;
  const total = Object.values(latencyMs).reduce((sum, { count }) => sum + count, 0);
  const requests: [string, Percentiles][] = [
    ...Object.entries(latencyMs),
    ['(how late the load was itself)', latenessMs],
    ...views.map(({ path, latencyMs: took, sizeBytes }): [string, Percentiles] => {
      return [`GET ${path}, ${Math.ceil(sizeBytes / 1024)} KiB, afterwards`, took];
    }),
  ];
  const lines = [
    '',
    `${hosts} hosts for ${seconds} s at ${speed} × their pace, seed ${seed}: ${total} answers, ${(total / seconds).toFixed(0)} a second; ${result.stored} episodes stored, ${result.rows} rows`,
    '',
    '| request | answers | p50 ms | p90 | p99 | p99.9 | most |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...requests.map(([name, percentiles]) => `| ${name} | ${formatPercentiles(percentiles)} |`),
    '',
    'Each time goes from the moment in the schedule, which nothing puts off, to the end of the answer: a receiver that stands still is counted for all who would have come meanwhile.',
    '',
    `answers: ${formatCounts(answers)}`,
    `refused or broken connections: ${formatCounts(failures)}; the queue of new connections overflowed ${result.listenOverflows} times (whole machine)`,
    `receiver: at most ${receiver.peakMiB.toFixed(0)} MiB, ${receiver.cpuS.toFixed(1)} s of processor time (${receiver.cores.toFixed(2)} cores), at most ${receiver.mostDescriptors} files and connections open; it keeps ${receiver.connectionLimit} connections`,
    `fsyncs: ${formatCounts(receiver.fsyncs)}`,
    `fleet-health: first run ${formatRun(tick.first)}, second ${formatRun(tick.second)}`,
    '',
  ];
  const note = peerLimitNote(hosts, receiver.connectionLimit);
  return [...lines, ...(note === undefined ? [] : [note, ''])].join('\n');
}

function formatPercentiles({ count, p50, p90, p99, p999, max }: Percentiles): string {
  return [count, ...[p50, p90, p99, p999, max].map((ms) => (Number.isNaN(ms) ? '–' : ms.toFixed(1)))].join(' | ');
}

function formatCounts(counts: Record<string, number>): string {
  const entries = Object.entries(counts).sort(([, one], [, other]) => other - one);
  return entries.length === 0 ? 'none' : entries.map(([what, count]) => `${what}: ${count}`).join(', ');
}

function formatRun({ seconds, peakMiB }: { seconds: number; peakMiB: number }): string {
  return `${seconds.toFixed(2)} s, ${peakMiB.toFixed(0)} MiB`;
}
