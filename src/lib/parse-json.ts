// JSON that may be none, and whose text must not stand in an error: it may hold a token.

/** Undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
