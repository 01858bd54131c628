// What is wrong with a query or a body, for the person who wrote it.

import type { z } from 'zod';

/** Every mistake, as `name: what is wrong`. */
export function explainMistakes({ issues }: z.ZodError): string {
  return issues.map((issue) => `${issue.path.join('.') || 'it'}: ${explain(issue)}`).join('; ');
}

function explain(issue: z.core.$ZodIssue): string {
  // zod tells what it received at the end of its sentence alone.
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) return 'is missing';
  return issue.message.replace(/^Invalid input: e/, 'e');
}
