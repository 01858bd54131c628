// argv → program → exit code; nothing else.

import { AppError } from '../src/lib/app-error.ts';
import { createProgram } from './create-program.ts';
import { BAD_USAGE, formatError, WORK_FAILED } from './usage-errors.ts';

// Failures that keep a program from starting at all, for want of a good configuration or input.
const USAGE_CODES = new Set([
  'bad-config',
  'bad-input',
  'cannot-make-directory',
  'telemetry-bad-range',
  'bad-certificate',
  'bad-tokens-file',
]);

// A program whose log is no longer read goes on; one whose output is no longer read has nobody left to tell.
process.stderr.on('error', () => undefined);

const program = createProgram();
if (process.argv.length <= 2) program.outputHelp();
else await program.parseAsync().catch(fail);

function fail(error: unknown): void {
  if (!(error instanceof AppError)) {
    process.stderr.write(formatError(error instanceof Error ? (error.stack ?? error.message) : String(error)));
    process.exitCode = WORK_FAILED;
    return;
  }
  process.stderr.write(formatError(error.message, error.hint));
  process.exitCode = USAGE_CODES.has(error.code) ? BAD_USAGE : WORK_FAILED;
}
