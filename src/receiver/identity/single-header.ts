// Headers that decide who somebody is come at most once: of two, another program on the way might have read the other one.

import type { IncomingMessage } from 'node:http';

export type SingleHeader = { kind: 'one'; value: string } | { kind: 'none' } | { kind: 'several' };

/** `none` also when it is empty. */
export function singleHeader(request: IncomingMessage, name: string): SingleHeader {
  const values = request.headersDistinct[name.toLowerCase()] ?? [];
  if (values.length > 1) return { kind: 'several' };
  const value = values[0]?.trim() ?? '';
  return value === '' ? { kind: 'none' } : { kind: 'one', value };
}
