// The log of a program of the tests, in the form that the programs' own have where nobody watches: on its standard error.

import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { createLogger, type Logger } from '../../src/lib/logger.ts';

export function plainLogger(clock: Clock = systemClock): Logger {
  return createLogger({ level: 'info', form: 'plain', clock, write: (line) => process.stderr.write(line) });
}
