// What a person sees of an all-in-one run: one line for each thing that happens to an episode, told from the programs' own logs.

import { parsePlainLogLine } from '../lib/log-line.ts';
import type { Paint, Style } from '../lib/terminal-styles.ts';

export interface Counts {
  recorded: number;
  stored: number;
  refused: number;
}

type Fields = Record<string, string>;

export class Narrator {
  readonly counts: Counts = { recorded: 0, stored: 0, refused: 0 };
  readonly #write: (text: string) => void;
  readonly #paint: Paint;

  constructor(write: (text: string) => void, paint: Paint) {
    this.#write = write;
    this.#paint = paint;
  }

  /** One log line of one of the programs; whatever is no step of an episode is told only when it is a warning or worse. */
  heard(line: string): void {
    const parsed = parsePlainLogLine(line);
    if (!parsed) {
      this.note(line);
      return;
    }
    const { level, message, fields } = parsed;
    if (message === 'episode recorded') this.#recorded(fields);
    else if (message === 'episode packed') this.#packed(fields);
    else if (message === 'episode stored') this.#stored(fields);
    else if (message === 'episode refused and quarantined') this.#refused(fields);
    else if (message.startsWith('remediation: ')) this.#cure(message.slice('remediation: '.length));
    else if (level !== 'INFO' && level !== 'DEBUG' && !message.startsWith('rejected episode')) {
      this.note(
        `${level} ${message} ${Object.entries(fields)
          .map(([key, value]) => `${key}=${value}`)
          .join(' ')}`,
      );
    }
  }

  /** Something beside the episodes' own way. */
  note(text: string): void {
    this.#write(`${this.#paint('dim', text)}\n`);
  }

  #recorded(fields: Fields): void {
    this.counts.recorded += 1;
    this.#step(
      'recorded',
      'command',
      fields['episode'],
      `${fields['files']} files, ${bytes(fields['bytes'])}, ${Number(fields['duration_s']).toFixed(1)} s`,
    );
  }

  #packed(fields: Fields): void {
    const ratio = Number(fields['source_bytes']) / Number(fields['bytes']);
    this.#step('packed', 'value', fields['episode'], `${bytes(fields['bytes'])} (${ratio.toFixed(1)} : 1)`);
  }

  #stored(fields: Fields): void {
    this.counts.stored += 1;
    this.#step(
      'gated',
      'value',
      fields['episode'],
      `commit ${short(fields['commit'])} accepted (${fields['gate'] ?? 'gate off'})`,
    );
    this.#step('stored', 'good', fields['episode'], `row ${fields['seq']} of the ledger`);
  }

  #refused(fields: Fields): void {
    this.counts.refused += 1;
    this.#step(
      'refused',
      'bad',
      fields['episode'],
      `${fields['status'] ?? ''} ${fields['code']}: kept in quarantine; the cure:`,
    );
  }

  #cure(command: string): void {
    this.#write(`${' '.repeat(61)}${this.#paint('warn', command)}\n`);
  }

  #step(what: string, style: Style, episode: string | undefined, detail: string): void {
    const time = new Date().toTimeString().slice(0, 8);
    this.#write(
      `${this.#paint('dim', time)}  ${this.#paint(style, what.padEnd(9))} ${(episode ?? '').padEnd(40)} ${detail}\n`,
    );
  }
}

function bytes(text: string | undefined): string {
  const value = Number(text);
  return value < 1024 ? `${value} B` : `${(value / 1024).toFixed(1)} KiB`;
}

function short(commit: string | undefined): string {
  return commit?.slice(0, 10) ?? 'none';
}
