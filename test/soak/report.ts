// A soak's result for people: what was done, what was found, and what each program held.

import { type Holdings, MOST_GROWTH_MIB, MOST_MORE_DESCRIPTORS } from './holdings.ts';
import type { SoakResult } from './soak.ts';

export function formatResult(result: SoakResult): string {
  const {
    seed,
    hosts,
    seconds,
    convergedInS,
    faultsDone,
    published,
    stored,
    starts,
    looks,
    storedYetRefused,
    holdings,
    faults,
  } = result;
  const done = Object.entries(faultsDone).sort(([, one], [, other]) => other - one);
  const total = done.reduce((sum, [, count]) => sum + count, 0);
  return [
    '',
    `seed ${seed}: ${hosts} shippers and a receiver for ${seconds} s, ${starts} starts of programs`,
    `${published} episodes published, ${stored} stored; left alone, the fleet was done after ${convergedInS} s`,
    `${total} faults: ${done.map(([kind, count]) => `${kind} ${count}`).join(', ')}; besides them, half of all connections failed`,
    `${storedYetRefused} were stored, sent again for want of an answer, and refused because the gate had moved meanwhile; requeued, they were duplicates`,
    `nothing-lost check: ${looks} times meanwhile, and at the end with every stored file unpacked`,
    '',
    `| program | RSS MiB first → last (most) | PSS MiB | memory's line | descriptors at rest → most → end |`,
    '| --- | --- | --- | --- | --- |',
    ...holdings.map(formatHoldings),
    '',
    `bounds: memory's line rises by ${MOST_GROWTH_MIB} MiB at most over the later two thirds of one life; descriptors come back to those at rest and ${MOST_MORE_DESCRIPTORS} more at most`,
    '',
    faults.length === 0 ? 'nothing was lost, doubled or changed' : `FAULTS:\n${faults.join('\n')}`,
    '',
  ].join('\n');
}

function formatHoldings({ program, rssMiB, pssMiB, memory, descriptors }: Holdings): string {
  const { first, last, most } = rssMiB;
  const line =
    memory.kind === 'too-few'
      ? `too short to say (${memory.samples} samples)`
      : `${memory.growthMiB.toFixed(1)} MiB in ${memory.overS.toFixed(0)} s, ${memory.isFlat ? 'flat' : '**growing**'}`;
  const rss = `${first.toFixed(0)} → ${last.toFixed(0)} (${most.toFixed(0)})`;
  return `| ${program} | ${rss} | ${pssMiB.toFixed(0)} | ${line} | ${descriptors.atRest} → ${descriptors.most} → ${descriptors.atEnd} |`;
}
