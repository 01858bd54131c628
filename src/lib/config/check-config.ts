// What `config check` says: everything that is wrong with a file at once, or that it is sound.

import { ConfigError } from './config-error.ts';
import type { ConfigDefinition } from './define-config.ts';
import { loadConfig } from './load-config.ts';

export interface CheckConfigOptions {
  definition: ConfigDefinition;
  path: string;
  write: (text: string) => void;
}

/** Returns the exit code: 0 sound, 2 mistaken. Reads the secret files that the configuration names, too. */
export function checkConfig({ definition, path, write }: CheckConfigOptions): number {
  try {
    const { warnings, keyCount } = loadConfig(definition, path);
    for (const warning of warnings) write(`${warning}\n`);
    write(`${path}: ok (${counted(keyCount, 'key')} set, ${warnings.length} deprecated)\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    write(`${error.message}\n${path}: ${counted(error.mistakes.length, 'mistake')}\n`);
    return 2;
  }
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
