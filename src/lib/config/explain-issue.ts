// A schema's issue as one or more mistakes in words: what was found, what is allowed, and the key that was probably meant.

import { distance } from 'fastest-levenshtein';
import type { z } from 'zod';
import { type ConfigNode, labelOf, nodeAt, type TableNode } from './config-shape.ts';
import { describeFound, describeFoundWithKind, describeKind } from './describe-found.ts';
import { type ConfigPath, isTable } from './toml-document.ts';

export interface Explained {
  path: ConfigPath;
  message: string;
  /** How the key is shown, where the definition cannot tell: unknown tables. */
  label?: string;
}

/** `value` is what was validated. The issue's message is empty where the schema gave none of its own. */
export function explainIssue(issue: z.core.$ZodIssue, shape: TableNode, value: unknown): Explained[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => explainUnknown(key, issue.path, shape, value));
  if (issue.code === 'invalid_key') {
    const found = `the name ${describeFound(String(issue.path.at(-1)))}`;
    return [{ path: issue.path, message: say(found, issue.issues[0]?.message || 'another name') }];
  }
  const node = nodeAt(shape, issue.path);
  const found = foundBy(issue, node, valueAt(value, issue.path));
  return [{ path: issue.path, message: say(found, allowedBy(issue, node)) }];
}

export function say(found: string, allowed: string): string {
  return `found ${found}; allowed: ${allowed}`;
}

function foundBy(issue: z.core.$ZodIssue, node: ConfigNode | undefined, value: unknown): string {
  if (issue.code === 'custom' && typeof issue.params?.['found'] === 'string') return issue.params['found'];
  if (node?.kind === 'value' && node.secret) return describeKind(value);
  const isWrongKind = issue.code === 'invalid_type' || issue.code === 'invalid_union';
  return isWrongKind ? describeFoundWithKind(value) : describeFound(value);
}

function allowedBy(issue: z.core.$ZodIssue, node: ConfigNode | undefined): string {
  if (issue.message !== '') return issue.message.replace(/^must be /, '');
  if (node?.kind === 'table') return 'a table';
  if (node?.kind === 'tables') return 'an array of tables, each under its own [[header]]';
  const example = node?.required && node.example !== undefined ? `, for example ${JSON.stringify(node.example)}` : '';
  return `${node?.allowed ?? 'another value'}${example}`;
}

function explainUnknown(key: string, tablePath: ConfigPath, shape: TableNode, root: unknown): Explained {
  const path = [...tablePath, key];
  const value = valueAt(root, path);
  const table = nodeAt(shape, tablePath);
  const keys = table?.kind === 'table' ? table.keys : new Map<string, ConfigNode>();
  const shown = (name: string) => (keys.get(name)?.kind === 'value' ? name : labelOf(shape, [...tablePath, name]));
  const nearest = nearestName(key, [...keys.keys()]);
  const suggestion = nearest === undefined ? '' : ` (did you mean ${shown(nearest)}?)`;
  const allowed = `${[...keys.keys()].map(shown).join(', ')}${suggestion}`;

  const name = path.filter((part) => typeof part !== 'number').join('.');
  if (isTable(value)) return { path, label: `[${name}]`, message: say('an unknown table', allowed) };
  if (Array.isArray(value) && isTable(value[0])) {
    return { path, label: `[[${name}]]`, message: say('an unknown array of tables', allowed) };
  }
  return { path, message: say('an unknown key', allowed) };
}

/** Near enough: one slip in three characters, whatever the case. */
function nearestName(key: string, names: readonly string[]): string | undefined {
  const plain = key.toLowerCase();
  const ranked = names
    .map((name) => ({ name, slips: distance(plain, name) }))
    .sort((left, right) => left.slips - right.slips);
  const [best] = ranked;
  return best && best.slips <= Math.max(1, Math.floor(best.name.length / 3)) ? best.name : undefined;
}

function valueAt(root: unknown, path: ConfigPath): unknown {
  let value = root;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = Reflect.get(value, name);
  }
  return value;
}
