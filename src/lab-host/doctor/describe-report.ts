// A doctor report as lines for a person: a line a check, its cure below it, and the sum of it last.

import { inertLine, inertLines } from '../../lib/inert-text.ts';
import type { CheckStatus } from '../../lib/self-check/check-result.ts';
import { painter, type Style } from '../../lib/terminal-styles.ts';
import type { DoctorCheck, DoctorReport } from '../../protocol/doctor-report.ts';

const STYLES: Record<CheckStatus, Style> = { green: 'good', yellow: 'warn', red: 'bad', unknown: 'unknown' };
const STATUS_WIDTH = 'unknown'.length;
const CURE_INDENT = '    ';
// Narrower columns of text are harder to read than lines that the terminal breaks.
const NARROWEST_TEXT = 30;

export interface ReportForm {
  hasColours: boolean;
  /** Of the terminal; undefined where lines are not to be broken. */
  columns: number | undefined;
}

export function describeReport(report: DoctorReport, form: ReportForm): string {
  const width = Math.max(...report.checks.map(({ id }) => id.length));
  const lines = report.checks.flatMap((check) => describeCheck(check, width, form));
  const table = lines.join('\n').trimEnd();
  return `${table}\n\n${describeSum(report, form)}\n`;
}

function describeCheck({ id, status, summary, cure }: DoctorCheck, width: number, form: ReportForm): string[] {
  const margin = STATUS_WIDTH + width + 4;
  const [first = '', ...rest] = wrapped(inertLine(summary), (form.columns ?? Number.POSITIVE_INFINITY) - margin);
  const padding = ' '.repeat(STATUS_WIDTH - status.length);
  const head = `${coloured(status, form)}${padding}  ${inertLine(id).padEnd(width)}  ${first}`;
  const commands = cure ? inertLines(cure) : [];
  return [
    head,
    ...rest.map((line) => ' '.repeat(margin) + line),
    // Never broken and without a mark in front: it is there to be copied.
    ...(commands.length > 0 ? [CURE_INDENT + painter(form.hasColours)('dim', 'to cure it:')] : []),
    ...commands.map((command) => CURE_INDENT + command),
    ...(commands.length > 0 ? [''] : []),
  ];
}

function describeSum({ role, host_id, status, checks }: DoctorReport, form: ReportForm): string {
  const counts = (['red', 'yellow', 'unknown', 'green'] as const).flatMap((one) => {
    const ids = checks.filter((check) => check.status === one).map(({ id }) => inertLine(id));
    if (ids.length === 0) return [];
    return one === 'green' ? `${ids.length} green` : `${ids.length} ${one} (${ids.join(', ')})`;
  });
  const who = host_id === null ? `this ${role === 'receiver' ? 'receiver' : 'lab host'}` : inertLine(host_id);
  return `${who} is ${coloured(status, form)}: ${counts.join(', ')}`;
}

function coloured(status: CheckStatus, { hasColours }: ReportForm): string {
  return painter(hasColours)(STYLES[status], status);
}

/** At blanks, where the width allows it. */
function wrapped(text: string, width: number): string[] {
  if (text.length <= width || width < NARROWEST_TEXT) return [text];
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
