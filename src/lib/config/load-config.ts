// A configuration file becomes a value that can be trusted, or one error that lists all of its mistakes.

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { errnoOf, messageOf } from '../app-error.ts';
import { ConfigError, type ConfigMistake, formatMistake } from './config-error.ts';
import { labelOf, shapeOf, type TableNode } from './config-shape.ts';
import type { ConfigDefinition } from './define-config.ts';
import { type Explained, explainIssue } from './explain-issue.ts';
import { adoptOlderKeys } from './older-keys.ts';
import { isTable, parseTomlDocument, type TomlDocument } from './toml-document.ts';

export interface LoadedConfig<Config> {
  config: Config;
  /** One line each, with file and line number. */
  warnings: string[];
  /** How many keys the file gives a value. */
  keyCount: number;
}

/** Reads `path`, and the secret files that it names. Throws `ConfigError`. */
export function loadConfig<Schema extends z.ZodObject>(
  definition: ConfigDefinition<Schema>,
  path: string,
): LoadedConfig<z.output<Schema>> {
  const context = { baseDirectory: dirname(resolve(path)) };
  const document = parseFile(path);
  const shape = shapeOf(definition, context);
  const older = adoptOlderKeys(document.value, definition.olderKeys);
  addMissingTables(document.value, shape);

  const locate = ({ path: keyPath, label, message }: Explained): ConfigMistake => {
    const written = older.writtenAt(keyPath);
    return { file: path, line: document.lineOf(written), key: label ?? labelOf(shape, written), message };
  };
  // An empty message marks the issues that have no wording of their own; explainIssue gives them one.
  const parsed = definition.schema(context).safeParse(document.value, { error: () => '' });
  const issues = parsed.error?.issues ?? [];
  const explained = issues.flatMap((issue) => explainIssue(issue, shape, document.value));
  const mistakes = inOrder([...older.mistakes, ...explained].map(locate));
  if (!parsed.success || mistakes.length > 0) throw new ConfigError(mistakes, hintFor(path));
  const inFileOrder = older.warnings.toSorted(
    (left, right) => document.lineOf(left.path) - document.lineOf(right.path),
  );
  const warnings = inFileOrder.map((warning) => formatWarning(locate(warning), warning));
  return { config: parsed.data, warnings, keyCount: document.keyCount };
}

function parseFile(path: string): TomlDocument {
  const outcome = parseTomlDocument(readText(path));
  if (outcome.kind === 'parsed') return outcome.document;
  throw new ConfigError([{ file: path, line: outcome.line, key: '', message: outcome.message }], hintFor(path));
}

function readText(path: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const message = errnoOf(error) === 'ENOENT' ? 'there is no such file' : `cannot be read: ${messageOf(error)}`;
    const hint = `create it from the commented example in etc/, or name another with --config (see: ls -l ${path})`;
    throw new ConfigError([{ file: path, line: 0, key: '', message }], hint, error);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new ConfigError([{ file: path, line: 0, key: '', message: 'not UTF-8 text' }], hintFor(path), error);
  }
}

/** A section may be left out when its keys may: a required key in it is then missing, rather than the section. */
function addMissingTables(value: Record<string, unknown>, node: TableNode): void {
  for (const [name, child] of node.keys) {
    if (child.kind === 'table' && child.required && !Object.hasOwn(value, name)) value[name] = {};
    const present = value[name];
    if (child.kind === 'table' && isTable(present)) addMissingTables(present, child);
    if (child.kind !== 'tables' || !Array.isArray(present)) continue;
    for (const element of present) if (isTable(element)) addMissingTables(element, child.item);
  }
}

/** By line; one value can fail two checks with the same words, which is one mistake. */
function inOrder(mistakes: readonly ConfigMistake[]): ConfigMistake[] {
  const distinct = new Map(mistakes.map((mistake) => [formatMistake(mistake), mistake]));
  return [...distinct.values()].sort((left, right) => left.line - right.line);
}

function formatWarning({ file, line, key }: ConfigMistake, { path, message }: Explained): string {
  const section = key.slice(0, key.length - String(path.at(-1)).length);
  return `${file}:${line}: ${section}${message}`;
}

function hintFor(path: string): string {
  return `correct ${path}, then start again`;
}
