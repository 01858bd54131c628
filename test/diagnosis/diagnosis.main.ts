// `npm run diagnosis`: every fault, or those whose id is named, and the score; `-- --table`: docs/diagnosis.md. Exit code 1 when anything is otherwise than it says.

import { join } from 'node:path';
import { whyNoMachines } from '../support/machines/machines.ts';
import { makeDirectory } from '../support/temporary-directory.ts';
import { startDiagnoses } from './diagnose-all.ts';
import { faultTable } from './fault-table.ts';
import { FAULTS } from './faults/index.ts';
import { runHealthyTicks } from './healthy-ticks.ts';
import { formatFalseAlarms, formatLine, formatScore } from './score.ts';

const HEALTHY_TICKS = 1_000;

if (process.argv.includes('--table')) {
  process.stdout.write(faultTable());
  process.exit(0);
}
const why = whyNoMachines();
if (why !== undefined) {
  process.stderr.write(`${why}\n`);
  process.exit(2);
}
const named = process.argv.slice(2);
const faults = FAULTS.filter(({ id }) => named.length === 0 || named.includes(id));
const root = makeDirectory();
const started = startDiagnoses(faults, (id) => join(root, id));
for (const diagnosis of started.values()) process.stdout.write(formatLine(await diagnosis));
const diagnoses = await Promise.all(started.values());
const healthy =
  named.length > 0 ? undefined : await runHealthyTicks(join(root, 'healthy'), HEALTHY_TICKS, 'each-minute');
process.stdout.write(formatScore(diagnoses) + (healthy ? formatFalseAlarms(healthy) : ''));
const hasFailed = diagnoses.some(({ problems }) => problems.length > 0) || (healthy?.falseAlarms.length ?? 0) > 0;
process.exitCode = hasFailed ? 1 : 0;
