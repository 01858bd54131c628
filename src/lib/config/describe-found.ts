// A value of a configuration file as a mistake shows it: short, on one line, never a secret.

const MOST_CHARACTERS = 60;

/** `"text"`, `12`, `true`, `a list`, `a table`, `nothing`. */
export function describeFound(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return shortened(JSON.stringify(value));
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'a date' : `a date (${value.toISOString()})`;
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  return typeof value === 'object' ? 'a table' : String(value);
}

/** As `describeFound`, with the kind of a value whose kind is the mistake: `12 (a number)`. */
export function describeFoundWithKind(value: unknown): string {
  const found = describeFound(value);
  return ['string', 'number', 'boolean'].includes(typeof value) ? `${found} (${kindOf(value)})` : found;
}

/** For secrets: what kind of value was there, and nothing of it. */
export function describeKind(value: unknown): string {
  if (value === undefined) return 'nothing';
  return `${kindOf(value)} (not shown)`;
}

function kindOf(value: unknown): string {
  if (typeof value === 'string') return value.trim() === '' ? 'empty text' : 'text';
  if (typeof value === 'number' || typeof value === 'boolean') return `a ${typeof value}`;
  if (value instanceof Date) return 'a date';
  return Array.isArray(value) ? 'a list' : 'a table';
}

function shortened(text: string): string {
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS - 2)}…"`;
}
