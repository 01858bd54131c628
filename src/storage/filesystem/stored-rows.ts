// Lines of the ledger as what the monitor needs of them. A line of the plain form, as our receiver writes it, is taken apart without
// being parsed as JSON: that says the same in half of the time, and whatever is not of that form is parsed.

import { isAscii } from 'node:buffer';
import { parseJson } from '../../lib/parse-json.ts';
import { isHostId } from '../../protocol/ids.ts';
import type { StoredAt } from '../ledger-reader.ts';
import { dayMsOf, secondsOf, storedTimeUs, timeUs } from './stored-time.ts';

/** `left-out`: a tombstone, an empty line, a host that is none. */
export type StoredLine = StoredAt | 'left-out' | 'bad';

const TEXT = String.raw`"[^"\\\x00-\x1f]*"`;
const NUMBER = String.raw`(?:0|[1-9]\d*)`;
// Fields in their order, each at most once; texts without escapes; valid host ids alone. So it is JSON, and says what is captured.
const PLAIN_ROW = new RegExp(
  [
    String.raw`\{"host_id":"([A-Za-z0-9][A-Za-z0-9._-]{0,63})","episode_id":${TEXT}`,
    String.raw`,"received_at_wall":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00)"`,
    `,"sha256":${TEXT},"bytes":${NUMBER},"path":${TEXT}`,
    `(?:,"schema_version":(?:null|${TEXT}|${NUMBER}))?`,
    String.raw`(?:,"commit":(?:null|"([^"\\\x00-\x1f]*)"))?`,
    '(?:,"dirty":(?:true|false|null))?',
    String.raw`(?:,"gate":(?:${TEXT}|\{"head":(?:null|${TEXT}),"source":${TEXT}\}))?`,
    String.raw`(?:,"seq":${NUMBER})?\}\n`,
  ].join(''),
  'y',
);

const MAX_NAMES = 100_000;

export class StoredRows {
  /** Names come again and again: kept once, and without the text that they were found in. */
  readonly #names = new Map<string, string>();
  #day = { year: 0, month: 0, day: 0, ms: undefined as number | undefined };
  #commit: string | undefined;
  badLines = 0;

  /** Whole lines, each with its newline. */
  parse(lines: Buffer): StoredAt[] {
    // ASCII is the same in both, and read as Latin-1 in a third of the time.
    const text = lines.toString(isAscii(lines) ? 'latin1' : 'utf8');
    const rows: StoredAt[] = [];
    for (let start = 0; start < text.length; ) {
      PLAIN_ROW.lastIndex = start;
      const found = PLAIN_ROW.exec(text);
      const receivedAtUs = found ? this.#plainTimeUs(found[2] ?? '') : undefined;
      if (found && receivedAtUs !== undefined) {
        start = PLAIN_ROW.lastIndex;
        rows.push(this.#stored(found[1] ?? '', receivedAtUs, found[3]));
        continue;
      }
      const end = text.indexOf('\n', start);
      const row = parseStoredLine(text.slice(start, end));
      if (row === 'bad') this.badLines += 1;
      else if (row !== 'left-out') rows.push(this.#stored(row.hostId, row.receivedAtUs, row.commit));
      start = end + 1;
    }
    return rows;
  }

  #stored(hostId: string, receivedAtUs: number, commit: string | undefined): StoredAt {
    // Most rows are of the same commit as the row before.
    if (commit !== this.#commit) this.#commit = commit === undefined ? undefined : this.#name(commit);
    return { hostId: this.#name(hostId), receivedAtUs, commit: this.#commit };
  }

  #name(text: string): string {
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    if (this.#names.size >= MAX_NAMES) this.#names.clear();
    // A part of a string keeps all of it in memory; bytes do not.
    const own = Buffer.from(text, 'utf16le').toString('utf16le');
    this.#names.set(own, own);
    return own;
  }

  /** Of the one form that `PLAIN_ROW` lets through. */
  #plainTimeUs(text: string): number | undefined {
    const [year, month, day] = [digits(text, 0, 4), digits(text, 5, 7), digits(text, 8, 10)];
    if (day !== this.#day.day || month !== this.#day.month || year !== this.#day.year) {
      this.#day = { year, month, day, ms: dayMsOf(year, month, day) };
    }
    const secondOfDay = secondsOf(digits(text, 11, 13), digits(text, 14, 16), digits(text, 17, 19));
    if (this.#day.ms === undefined || secondOfDay === undefined) return undefined;
    return timeUs(this.#day.ms, secondOfDay, digits(text, 20, 26));
  }
}

function digits(text: string, start: number, end: number): number {
  let value = 0;
  for (let index = start; index < end; index += 1) value = value * 10 + text.charCodeAt(index) - 48;
  return value;
}

/** One line of whatever form, without its newline. */
export function parseStoredLine(line: string): StoredLine {
  const value = parseJson(line);
  if (typeof value !== 'object' || value === null || !('host_id' in value))
    return line.trim() === '' ? 'left-out' : 'bad';
  const {
    host_id: hostId,
    received_at_wall: receivedAtWall,
    retracted_at_wall: retractedAtWall,
    commit,
  } = value as Partial<Record<string, unknown>>;
  if (typeof hostId !== 'string') return 'bad';
  if (receivedAtWall === undefined && typeof retractedAtWall === 'string') return 'left-out';
  const receivedAtUs = typeof receivedAtWall === 'string' ? storedTimeUs(receivedAtWall) : undefined;
  if (receivedAtUs === undefined) return 'bad';
  if (!isHostId(hostId)) return 'left-out';
  return { hostId, receivedAtUs, commit: typeof commit === 'string' ? commit : undefined };
}
