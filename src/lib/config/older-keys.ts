// Keys of older versions go on working: their values move to the keys that replaced them, each with a warning.

import type { OlderKey } from './define-config.ts';
import { describeKind } from './describe-found.ts';
import { type Explained, say } from './explain-issue.ts';
import { Secret } from './secret-file.ts';
import { type ConfigPath, isTable } from './toml-document.ts';

export interface AdoptedKeys {
  mistakes: Explained[];
  warnings: Explained[];
  /** Where the text has what is now at `path`: a mistake in a moved value is one in the older key. */
  writtenAt(path: ConfigPath): ConfigPath;
}

/** Moves values inside of `root`, which the caller has just parsed and owns. */
export function adoptOlderKeys(root: Record<string, unknown>, olderKeys: readonly OlderKey[]): AdoptedKeys {
  const mistakes: Explained[] = [];
  const warnings: Explained[] = [];
  const moved: { from: ConfigPath; to: ConfigPath }[] = [];
  for (const { path, instead, inlineSecret } of olderKeys) {
    const tablePath = path.slice(0, -1);
    const name = path.at(-1) ?? '';
    const table = tableAt(root, tablePath);
    if (!table || !Object.hasOwn(table, name)) continue;
    const value = table[name];
    delete table[name];
    if (Object.hasOwn(table, instead)) {
      mistakes.push({ path, message: say(`both ${name}, which is deprecated, and ${instead}`, `${instead} alone`) });
      continue;
    }
    if (inlineSecret && (typeof value !== 'string' || value.trim() === '')) {
      mistakes.push({ path, message: say(describeKind(value), `the secret as text, or better ${instead}`) });
      continue;
    }
    table[instead] = inlineSecret && typeof value === 'string' ? new Secret(value.trim()) : value;
    moved.push({ from: path, to: [...tablePath, instead] });
    warnings.push({ path, message: `${name} is deprecated; use ${instead}` });
  }
  return { mistakes, warnings, writtenAt: (path) => writtenAt(path, moved) };
}

function writtenAt(path: ConfigPath, moved: readonly { from: ConfigPath; to: ConfigPath }[]): ConfigPath {
  const match = moved.find(({ to }) => to.every((name, index) => path[index] === name));
  return match ? [...match.from, ...path.slice(match.to.length)] : path;
}

function tableAt(root: Record<string, unknown>, path: readonly string[]): Record<string, unknown> | undefined {
  let table = root;
  for (const name of path) {
    const child = table[name];
    if (!isTable(child)) return undefined;
    table = child;
  }
  return table;
}
