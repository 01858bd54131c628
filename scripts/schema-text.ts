// A schema of the contract in a line or a table, for people.

import type { Schema } from './read-contract.ts';

/** As TypeScript writes it: `{ hosts: FleetHost[], head: string | null }`. */
export function schemaText(schema: Schema | undefined): string {
  if (!schema) return 'any';
  if (schema.$ref) return nameOfRef(schema.$ref);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const all = schema.anyOf ?? schema.oneOf;
  if (all) return [...new Set(all.map(schemaText))].join(' | ');
  if (schema.allOf) return schema.allOf.map(schemaText).join(' & ');
  if (Array.isArray(schema.type)) return schema.type.map((type) => schemaText({ ...schema, type })).join(' | ');
  if (schema.type === 'array') return arrayText(schemaText(schema.items));
  if (schema.type === 'object') return objectText(schema);
  return schema.type ?? 'any';
}

/** Of an object: name, type, and what it says of itself. */
export function fieldsOf({ properties = {}, required = [] }: Schema): string[][] {
  return Object.entries(properties).map(([name, field]) => [
    `\`${name}${required.includes(name) ? '' : '?'}\``,
    `\`${schemaText(field)}\``,
    describeLimits(field),
  ]);
}

/** Its description, and what its values must be. */
export function describeLimits(schema: Schema): string {
  const { description, pattern, minimum, maximum, default: fallback } = schema;
  // Of whole numbers, the largest that there is says nothing.
  const most = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  return [
    description,
    pattern === undefined ? undefined : `\`${pattern}\``,
    minimum === undefined || minimum <= 0 ? undefined : `from ${minimum}`,
    most === undefined ? undefined : `to ${most}`,
    fallback === undefined ? undefined : `default ${JSON.stringify(fallback)}`,
  ]
    .filter((part) => part !== undefined)
    .join('; ');
}

function objectText({ properties, required = [], additionalProperties }: Schema): string {
  if (!properties || Object.keys(properties).length === 0) {
    return typeof additionalProperties === 'object' ? `{ [name]: ${schemaText(additionalProperties)} }` : 'object';
  }
  const fields = Object.entries(properties).map(
    ([name, field]) => `${name}${required.includes(name) ? '' : '?'}: ${schemaText(field)}`,
  );
  return `{ ${fields.join(', ')} }`;
}

function arrayText(item: string): string {
  return / [|&] /.test(item) && !item.startsWith('{') ? `(${item})[]` : `${item}[]`;
}

function nameOfRef(ref: string): string {
  return ref.slice(ref.lastIndexOf('/') + 1);
}
