// The score as people read it.

import type { Diagnosis } from './diagnose.ts';
import type { HealthyRun } from './healthy-ticks.ts';

export function formatLine({ fault, isDetected, isNamed, isCured, problems, tookMs }: Diagnosis): string {
  const mark = (is: boolean) => (is ? 'yes' : 'NO ');
  const seconds = `${(tookMs / 1000).toFixed(1)} s`.padStart(7);
  const line = `${fault.id.padEnd(32)} detected ${mark(isDetected)}  named ${mark(isNamed)}  cured ${mark(isCured)} ${seconds}\n`;
  return line + problems.map((problem) => `  ${problem.replaceAll('\n', '\n    ')}\n`).join('');
}

export function formatScore(diagnoses: readonly Diagnosis[]): string {
  const all = diagnoses.length;
  const count = (is: (diagnosis: Diagnosis) => boolean) => `${diagnoses.filter(is).length} of ${all}`;
  const byHand = diagnoses.filter(({ fault }) => fault.byHand !== undefined).length;
  return `
faults detected                ${count(({ isDetected }) => isDetected)}
cause named right              ${count(({ isNamed }) => isNamed)}
well again by what is printed  ${count(({ isCured }) => isCured)}, in ${byHand} of them with a person’s hand besides
`;
}

export function formatFalseAlarms({ ticks, falseAlarms }: HealthyRun): string {
  const lines = falseAlarms.map((line) => `  ${line}\n`).join('');
  return `false alarms                   ${falseAlarms.length} in ${ticks} healthy ticks\n${lines}`;
}
