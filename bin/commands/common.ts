// What the commands share: the options that each program has, its logger and configuration, its signals.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { errnoOf } from '../../src/lib/app-error.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { ConfigDefinition, ConfigOf } from '../../src/lib/config/define-config.ts';
import { chooseLogForm, createLogger, LOG_LEVELS, type Logger, type LogLevel } from '../../src/lib/logger.ts';
import { isHostId } from '../../src/protocol/ids.ts';
import { COMMON_GROUP, styleHeading, wrapHelp } from '../help-style.ts';
import { formatError, WORK_FAILED } from '../usage-errors.ts';

export interface CommonOptions {
  config?: string;
  logLevel: LogLevel;
}

export function withCommonOptions(command: Command): Command {
  return command
    .addOption(new Option('--config <file>', 'the configuration file').env('CIS490_CONFIG').helpGroup(COMMON_GROUP))
    .addOption(
      new Option('--log-level <level>', `the least level that is logged: ${LOG_LEVELS.join(', ')}`)
        .argParser(logLevel)
        .default('info')
        .helpGroup(COMMON_GROUP),
    );
}

export async function prepare<Definition extends ConfigDefinition>(
  options: CommonOptions,
  definition: Definition,
  beforeLine = '',
): Promise<{ logger: Logger; config: ConfigOf<Definition> }> {
  const logger = commandLogger(options.logLevel, beforeLine);
  return { logger, config: await readConfig(options, definition, logger) };
}

/** To standard error, in the form that whoever reads that wants. */
export function commandLogger(level: LogLevel, beforeLine = ''): Logger {
  return createLogger({
    level,
    form: chooseLogForm(process.env, process.stderr.isTTY ?? false),
    clock: systemClock,
    write: (line) => process.stderr.write(beforeLine + line),
  });
}

/** Throws `ConfigError`; what is deprecated in the file is logged. */
export async function readConfig<Definition extends ConfigDefinition>(
  options: CommonOptions,
  definition: Definition,
  logger: Logger,
): Promise<ConfigOf<Definition>> {
  const { loadConfig } = await import('../../src/lib/config/load-config.ts');
  const { config, warnings } = loadConfig(definition, options.config ?? definition.defaultPath);
  for (const warning of warnings) logger.warn(warning);
  return config as ConfigOf<Definition>;
}

export function stopSignal(...more: NodeJS.Signals[]): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', ...more] as const) process.on(signal, () => stop.abort());
  return stop.signal;
}

/** SIGHUP from this moment on: without a listener it would end the process. One that comes before anybody subscribes is not lost. */
export function hangups(): { subscribe: (listener: () => void) => void } {
  let listener: (() => void) | undefined;
  let isWaiting = false;
  process.on('SIGHUP', () => {
    isWaiting = listener === undefined;
    listener?.();
  });
  return {
    subscribe: (next) => {
      listener = next;
      if (isWaiting) next();
    },
  };
}

/** `… | head` is no failure; an output that a full disk cuts off is one. */
export function endWithReader(): void {
  process.stdout.on('error', (error) => {
    if (errnoOf(error) === 'EPIPE') process.exit(0);
    const hint = 'look at where it goes, then run the same command again: df -h';
    process.stderr.write(formatError(`standard output cannot be written: ${error.message}`, hint));
    process.exit(WORK_FAILED);
  });
}

/** Where progress is drawn: on a terminal that can draw a line over. */
export function progressTerminal(): NodeJS.WriteStream | undefined {
  return process.stderr.isTTY && process.env['TERM'] !== 'dumb' ? process.stderr : undefined;
}

/** Below the options in a command's help; what follows is appended to it. */
export function examples(...lines: string[]): string {
  return `\n${styleHeading('Examples:')}\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

export function exitCodes(meanings: Record<number, string>): string {
  const lines = Object.entries(meanings).map(([code, meaning]) => `  ${code}  ${wrapHelp(meaning, 5)}`);
  return `\n\n${styleHeading('Exit code:')}\n${lines.join('\n')}`;
}

export function note(text: string): string {
  return `\n\n${wrapHelp(text, 0)}`;
}

/** In any case: journald and Python write it in capitals. */
function logLevel(text: string): LogLevel {
  const level = text.toLowerCase().replace(/^warning$/, 'warn');
  const known = LOG_LEVELS.find((name) => name === level);
  if (!known) throw new InvalidArgumentError(`must be one of ${LOG_LEVELS.join(', ')}.`);
  return known;
}

/** What a command found goes to standard output, what it says of itself to standard error. */
export const output = {
  write: (text: string) => void process.stdout.write(text),
  tell: (line: string) => void process.stderr.write(`${line}\n`),
};

export function hostId(text: string): string {
  if (isHostId(text)) return text;
  throw new InvalidArgumentError('must be 1 to 64 of A-Z a-z 0-9 . _ - and start with a letter or digit.');
}

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('must be a number above 0.');
  return value;
}

export function portNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535) throw new InvalidArgumentError('must be 0 to 65535.');
  return value;
}
