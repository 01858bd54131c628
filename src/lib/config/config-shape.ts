// The keys that a definition allows, as a tree: what mistakes, suggestions, the example and the reference are made from.

import { z } from 'zod';
import type { ConfigContext, ConfigDefinition } from './define-config.ts';
import type { ConfigPath } from './toml-document.ts';

interface NodeFacts {
  description: string;
  required: boolean;
  /** As it would be written in the file; undefined when there is none. */
  default: unknown;
}
export interface TableNode extends NodeFacts {
  kind: 'table';
  keys: ReadonlyMap<string, ConfigNode>;
}
/** `[[an array of tables]]`. */
interface TablesNode extends NodeFacts {
  kind: 'tables';
  item: TableNode;
}
export interface ValueNode extends NodeFacts {
  kind: 'value';
  /** The accepted values in words. */
  allowed: string;
  example: unknown;
  secret: boolean;
  inExample: boolean;
  /** The elements of a list, or the values of a table with free keys. */
  item: ConfigNode | undefined;
}
export type ConfigNode = TableNode | TablesNode | ValueNode;

export function shapeOf(definition: ConfigDefinition, context: ConfigContext): TableNode {
  const schema = z.toJSONSchema(definition.schema(context), { io: 'input', unrepresentable: 'any' });
  return tableOf(schema, factsOf(schema, true));
}

/** The node at a path, or undefined where the definition has none. */
export function nodeAt(root: TableNode, path: ConfigPath): ConfigNode | undefined {
  let node: ConfigNode | undefined = root;
  for (const name of path) {
    if (node === undefined) return undefined;
    node = node.kind === 'table' ? node.keys.get(String(name)) : node.item;
  }
  return node;
}

/** `[receiver] url`, `[[orchestrator.workload]] env.HOME`, `[version_gate] commits[1]`. */
export function labelOf(root: TableNode, path: ConfigPath): string {
  let header = '';
  let headerLength = 0;
  for (let length = 1; length <= path.length; length += 1) {
    const node = nodeAt(root, path.slice(0, length));
    if (node?.kind !== 'table' && node?.kind !== 'tables') break;
    const isArray = node.kind === 'tables' || typeof path[length - 1] === 'number';
    const name = dotted(path.slice(0, length).filter((part) => typeof part !== 'number'));
    header = isArray ? `[[${name}]]` : `[${name}]`;
    headerLength = length;
  }
  return [header, dotted(path.slice(headerLength))].filter((part) => part !== '').join(' ');
}

function dotted(path: ConfigPath): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
}

type JsonSchema = z.core.JSONSchema.JSONSchema;

function nodeOf(schema: JsonSchema, required: boolean): ConfigNode {
  const facts = factsOf(schema, required);
  if (schema.properties) return tableOf(schema, facts);
  const item = itemOf(schema);
  if (item?.kind === 'table' && schema.type === 'array') return { kind: 'tables', item, ...facts };
  return {
    kind: 'value',
    ...facts,
    allowed: typeof schema['allowed'] === 'string' ? schema['allowed'] : wordsOf(schema, item),
    example: schema['example'],
    secret: schema['secret'] === true,
    inExample: schema['inExample'] === true,
    item,
  };
}

function tableOf(schema: JsonSchema, facts: NodeFacts): TableNode {
  const properties = Object.entries(schema.properties ?? {});
  const keys = new Map(
    properties.map(([name, child]) => [name, nodeOf(asSchema(child), schema.required?.includes(name) ?? false)]),
  );
  return { kind: 'table', keys, ...facts };
}

function factsOf(schema: JsonSchema, required: boolean): NodeFacts {
  return { description: schema.description ?? '', required, default: schema.default };
}

function itemOf(schema: JsonSchema): ConfigNode | undefined {
  const child = schema.type === 'array' ? schema.items : schema.additionalProperties;
  return typeof child === 'object' && !Array.isArray(child) ? nodeOf(child, true) : undefined;
}

function asSchema(child: JsonSchema | boolean): JsonSchema {
  return typeof child === 'boolean' ? {} : child;
}

function wordsOf(schema: JsonSchema, item: ConfigNode | undefined): string {
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' or ');
  const itemWords = item?.kind === 'value' ? item.allowed : 'tables';
  switch (schema.type) {
    case 'string':
      return schema.minLength ? 'text in quotes, not empty' : 'text in quotes';
    case 'boolean':
      return 'true or false';
    case 'integer':
      return `a whole number${rangeOf(schema)}`;
    case 'number':
      return `a number${rangeOf(schema)}`;
    case 'array':
      return `${schema.minItems ? 'a list, not empty' : 'a list'}, each: ${itemWords}`;
    default:
      return `a table, each value: ${itemWords}`;
  }
}

function rangeOf({ minimum, maximum }: JsonSchema): string {
  const least = minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? minimum : undefined;
  const most = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? maximum : undefined;
  if (least !== undefined && most !== undefined) return `, ${least} to ${most}`;
  if (least !== undefined) return `, ${least} or more`;
  return most === undefined ? '' : `, ${most} or less`;
}
