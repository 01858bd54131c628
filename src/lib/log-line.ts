// How one log record looks as a line: a plain message followed by key=value fields, safe against control characters.

export type LogForm = 'journal' | 'terminal' | 'plain';

/** A record as pino writes it: its own keys and the fields of the call. */
export interface LogRecord {
  level: number;
  msg?: string;
  [field: string]: unknown;
}

// pino's level → [syslog severity for journald's <N> prefix, the word, terminal colour].
const LEVELS: ReadonlyArray<readonly [least: number, severity: number, word: string, ansi: string]> = [
  [60, 2, 'CRITICAL', '\x1b[31;1m'],
  [50, 3, 'ERROR', '\x1b[31m'],
  [40, 4, 'WARNING', '\x1b[33m'],
  [30, 6, 'INFO', '\x1b[32m'],
  [0, 7, 'DEBUG', '\x1b[2m'],
];

export function formatLogLine(record: LogRecord, form: LogForm, wallTime: string): string {
  const [, severity, word, ansi] = LEVELS.find(([least]) => record.level >= least) ?? [0, 7, 'DEBUG', ''];
  const text = [inert(record.msg ?? ''), ...fieldsOf(record)].join(' ');
  if (form === 'journal') return `<${severity}>${text}\n`;
  if (form === 'terminal') return `\x1b[2m${wallTime.slice(11, 23)}\x1b[0m ${ansi}${word.padEnd(7)}\x1b[0m ${text}\n`;
  return `${wallTime} ${word} ${text}\n`;
}

function* fieldsOf(record: LogRecord): Generator<string> {
  for (const [key, value] of Object.entries(record)) {
    if (key === 'level' || key === 'msg' || value === undefined) continue;
    if (key === 'err' && isErrorFields(value)) {
      yield `error=${formatValue(value.message)}`;
      if (record.level < 30 && value.stack) yield `stack=${formatValue(value.stack)}`;
      continue;
    }
    yield `${key}=${formatValue(value)}`;
  }
}

function isErrorFields(value: unknown): value is { message: string; stack?: string } {
  return typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string';
}

function formatValue(value: unknown): string {
  const text = inert(typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value));
  return /[\s"]/.test(text) || text === '' ? `"${text.replace(/["\\]/g, '\\$&')}"` : text;
}

/** Line breaks become spaces and other control characters `?`, so that no field can forge a line or drive a terminal. */
function inert(text: string): string {
  const lines = text.split(/[\r\n]+/);
  const oneLine = lines.length === 1 ? text : lines.map((line) => line.trim()).join(' ');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is being removed.
  return oneLine.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '?');
}

/** Reads a `plain` line back: its message and its fields. Undefined for anything else. */
export function parsePlainLogLine(
  line: string,
): { level: string; message: string; fields: Record<string, string> } | undefined {
  const head = /^\S+ (CRITICAL|ERROR|WARNING|INFO|DEBUG) (.*)$/s.exec(line);
  if (!head?.[1] || head[2] === undefined) return undefined;
  const fields: Record<string, string> = {};
  const pattern = / ([A-Za-z_][A-Za-z0-9_]*)=("(?:[^"\\]|\\.)*"|\S*)/g;
  const first = head[2].search(pattern);
  for (const [, key, value] of head[2].matchAll(pattern)) {
    if (key === undefined || value === undefined) continue;
    fields[key] = value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/gs, '$1') : value;
  }
  return { level: head[1], message: first < 0 ? head[2] : head[2].slice(0, first), fields };
}
