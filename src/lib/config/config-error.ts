// All mistakes of a configuration file at once, each with its place.

import { AppError } from '../app-error.ts';

export interface ConfigMistake {
  file: string;
  /** From 1; 0 when the file as a whole could not be read. */
  line: number;
  /** As a reader of the file would name it: `[receiver] url`. Empty when no key is concerned. */
  key: string;
  message: string;
}

export class ConfigError extends AppError {
  readonly mistakes: readonly ConfigMistake[];

  constructor(mistakes: readonly ConfigMistake[], hint: string, cause?: unknown) {
    super('bad-config', mistakes.map(formatMistake).join('\n'), { hint, cause });
    this.name = 'ConfigError';
    this.mistakes = mistakes;
  }
}

/** `FILE:LINE: [section] key: message`. */
export function formatMistake({ file, line, key, message }: ConfigMistake): string {
  return [line > 0 ? `${file}:${line}` : file, ...(key ? [key] : []), message].join(': ');
}
