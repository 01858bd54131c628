// A TOML text as a plain value, with the line of each key: what turns a mistake into a place to go to.

import { type AST, getStaticTOMLValue, ParseError, parseTOML } from 'toml-eslint-parser';

export type ConfigPath = readonly PropertyKey[];

export interface TomlDocument {
  value: Record<string, unknown>;
  /** How many keys the text gives a value. */
  keyCount: number;
  /** The line of the key, or of the nearest table around it that the text names; 1 for the whole. */
  lineOf(path: ConfigPath): number;
}

export type TomlOutcome =
  | { kind: 'parsed'; document: TomlDocument }
  | { kind: 'malformed'; line: number; message: string };

export function parseTomlDocument(text: string): TomlOutcome {
  let program: AST.TOMLProgram;
  try {
    program = parseTOML(text, { tomlVersion: '1.0.0' });
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    return malformed(text, error);
  }
  const lines = new KeyLines();
  lines.addBody([], program.body[0].body);
  // The parser's value builder would write `__proto__` keys into Object.prototype itself; no key of ours has such a name.
  if (lines.firstInherited) return { kind: 'malformed', ...lines.firstInherited };
  const value = getStaticTOMLValue(program);
  const document = { value, keyCount: lines.keyCount, lineOf: (path: ConfigPath) => lines.lineOf(path) };
  return { kind: 'parsed', document };
}

export function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

class KeyLines {
  keyCount = 0;
  firstInherited: { line: number; message: string } | undefined;
  readonly #lines = new Map<string, number>();

  addBody(prefix: ConfigPath, nodes: readonly (AST.TOMLKeyValue | AST.TOMLTable)[]): void {
    for (const node of nodes) {
      const line = node.loc.start.line;
      if (node.type === 'TOMLTable') {
        this.#add(node.resolvedKey, line);
        // A header says more than the tables below it that implied the same path earlier.
        this.#lines.set(keyOf(node.resolvedKey), line);
        this.addBody(node.resolvedKey, node.body);
      } else {
        const path = [...prefix, ...getStaticTOMLValue(node.key)];
        this.#add(path, line);
        if (node.value.type !== 'TOMLInlineTable') this.keyCount += 1;
        this.#addContent(path, node.value);
      }
    }
  }

  lineOf(path: ConfigPath): number {
    for (let length = path.length; length > 0; length -= 1) {
      const line = this.#lines.get(keyOf(path.slice(0, length)));
      if (line !== undefined) return line;
    }
    return 1;
  }

  #addContent(path: ConfigPath, content: AST.TOMLContentNode): void {
    if (content.type === 'TOMLInlineTable') this.addBody(path, content.body);
    if (content.type !== 'TOMLArray') return;
    for (const [index, element] of content.elements.entries()) {
      this.#add([...path, index], element.loc.start.line);
      this.#addContent([...path, index], element);
    }
  }

  #add(path: ConfigPath, line: number): void {
    for (const [index, name] of path.entries()) {
      if (typeof name === 'string' && name in {}) {
        this.firstInherited ??= { line, message: `found the key ${JSON.stringify(name)}; allowed: any other name` };
      }
      const key = keyOf(path.slice(0, index + 1));
      if (!this.#lines.has(key)) this.#lines.set(key, line);
    }
  }
}

function keyOf(path: ConfigPath): string {
  return JSON.stringify(path);
}

function malformed(text: string, { index, lineNumber, column, message }: ParseError): TomlOutcome {
  // The parser notices a missing value only at the next thing that it finds, which may be lines below.
  const before = text.slice(0, index).trimEnd();
  if (before.endsWith('=') && /^[ \t]*(?:\r?\n|$)/.test(text.slice(before.length))) {
    return { kind: 'malformed', line: before.split('\n').length, message: 'not valid TOML 1.0: no value after =' };
  }
  const place = `at column ${column + 1}`;
  return { kind: 'malformed', line: lineNumber, message: `not valid TOML 1.0 ${place}: ${inWords(message)}` };
}

/** The parser's wording where it does not say what to do. */
function inWords(message: string): string {
  if (message.startsWith('Defining a key multiple times')) return 'this key or table is given twice';
  if (message.startsWith('Unexpected character')) return 'an unexpected character (text needs quotes)';
  return message.charAt(0).toLowerCase() + message.slice(1);
}
