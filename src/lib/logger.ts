// The injected logger: pino for levels, children, errors and redaction; lines in the form that the reader wants.

import { pino } from 'pino';
import type { Clock } from './clock.ts';
import { formatLogLine, type LogForm, type LogRecord } from './log-line.ts';
import { hasColours } from './terminal-styles.ts';

export type Logger = pino.Logger;
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  level: LogLevel;
  form: LogForm;
  clock: Clock;
  write: (line: string) => void;
}

export function createLogger({ level, form, clock, write }: LoggerOptions): Logger {
  const destination = {
    write: (json: string) => write(formatLogLine(JSON.parse(json) as LogRecord, form, clock.wallTime())),
  };
  return pino(
    {
      level,
      base: null,
      timestamp: false,
      redact: { paths: ['token', 'authorization', 'secret', '*.token', '*.authorization'], censor: '[redacted]' },
    },
    destination,
  );
}

/** systemd connects standard error to the journal and says so; a person has a terminal; anything else reads plain lines. */
export function chooseLogForm(environment: NodeJS.ProcessEnv, isTerminal: boolean): LogForm {
  if (environment['JOURNAL_STREAM'] && !isTerminal) return 'journal';
  return isTerminal && hasColours({ isTTY: true }, environment) ? 'terminal' : 'plain';
}
