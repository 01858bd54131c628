// The commented example and the reference, made from the definition alone, so that neither can fall behind it.

import { dirname } from 'node:path';
import { markdownTable } from '../markdown-table.ts';
import { type ConfigNode, labelOf, shapeOf, type TableNode, type ValueNode } from './config-shape.ts';
import type { ConfigDefinition } from './define-config.ts';
import type { ConfigPath } from './toml-document.ts';

const WIDTH = 100;

interface Section {
  /** `[receiver]`; empty for the keys before the first header. */
  header: string;
  description: string;
  /** False when the file may lack it and has no default for it: an array of tables, an optional table. */
  active: boolean;
  keys: [name: string, node: ValueNode][];
}

/** TOML that loads as it stands: required keys have example values, all others are commented out at their defaults. */
export function describeAsExample(definition: ConfigDefinition): string {
  const intro = [
    `${definition.title}: ${definition.defaultPath}`,
    'A key in a comment is optional and shows its default, or an example where there is none.',
  ];
  const blocks = sectionsOf(definition).map((section) => {
    const heading = [...comment(section.description), ...(section.header ? [written(section, section.header)] : [])];
    return [heading.join('\n'), ...section.keys.map(([name, node]) => exampleOfKey(section, name, node))];
  });
  return `${[intro.flatMap(comment).join('\n'), ...blocks.flat()].filter((block) => block !== '').join('\n\n')}\n`;
}

function exampleOfKey(section: Section, name: string, node: ValueNode): string {
  const isSet = section.active && (node.required || node.inExample);
  const hasDefault = node.default !== undefined;
  const allowed = `Allowed: ${node.allowed}.${hasDefault || node.required ? '' : ' No default; this is an example:'}`;
  const line = `${name} = ${toToml(hasDefault ? node.default : node.example)}`;
  return [...comment(node.description), ...comment(allowed), isSet ? line : `# ${line}`].join('\n');
}

function written({ active }: Section, header: string): string {
  return active ? header : `# ${header}`;
}

/** A section of Markdown, with a table for each section of the file. */
export function describeAsMarkdown(definition: ConfigDefinition): string {
  const parts = [`## ${definition.title}`, `Read from \`${definition.defaultPath}\` unless another file is named.`];
  for (const section of sectionsOf(definition)) {
    parts.push(section.header ? `### \`${section.header}\`` : '### Before the first section');
    if (section.description) parts.push(section.description);
    if (section.keys.length > 0)
      parts.push(markdownTable(['key', 'type', 'default', 'description'], section.keys.map(row)));
  }
  if (definition.olderKeys.length > 0) {
    const rows = definition.olderKeys.map(({ path, instead }) => [`\`${path.join('.')}\``, `\`${instead}\``]);
    parts.push(
      '### Older keys',
      'These still work, with a warning.',
      markdownTable(['older key', 'use instead'], rows),
    );
  }
  return `${parts.join('\n\n')}\n`;
}

function row([name, node]: [name: string, node: ValueNode]): string[] {
  const fallback = node.default === undefined ? 'none' : `\`${toToml(node.default)}\``;
  return [`\`${name}\``, node.allowed, node.required ? '**required**' : fallback, node.description];
}

function sectionsOf(definition: ConfigDefinition): Section[] {
  const root = shapeOf(definition, { baseDirectory: dirname(definition.defaultPath) });
  return [...walk(root, [], root, true)];
}

/** TOML's order: the keys of a table come before its first sub-table. */
function* walk(
  root: TableNode,
  path: ConfigPath,
  table: TableNode,
  active: boolean,
  about = table,
): Generator<Section> {
  const children = [...table.keys];
  const keys = children.filter((child): child is [string, ValueNode] => child[1].kind === 'value');
  if (keys.length > 0 || path.length > 0) {
    yield { header: labelOf(root, path), description: about.description, active, keys };
  }
  for (const [name, child] of children) {
    if (child.kind === 'table') yield* walk(root, [...path, name], child, active && isActive(child));
    if (child.kind === 'tables')
      yield* walk(root, [...path, name], { ...child.item, description: child.description }, false);
  }
}

function isActive(node: ConfigNode): boolean {
  return node.required || node.default !== undefined;
}

function comment(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ').filter((part) => part !== '')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length >= WIDTH) lines.push(`# ${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** JSON's text escapes are among those of TOML. */
function toToml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toToml).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const pairs = Object.entries(value).map(([name, child]) => `${name} = ${toToml(child)}`);
  return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`;
}
