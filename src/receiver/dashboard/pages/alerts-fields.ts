// What was typed into the forms, as the API takes it: the same schemas judge both, and say what is wrong by field.

import type { z } from 'zod';
import { type NewSilence, newSilenceSchema, reasonBodySchema } from '../../alerts/read-silence.ts';
import type { FormState } from './alerts-forms.ts';

type Fields = Readonly<Record<string, string>>;
export type ReadFields<Value> = { kind: 'read'; value: Value } | { kind: 'mistaken'; form: FormState };

const MISTAKES: Readonly<Record<string, string>> = {
  reason: 'Say why, in one line of at most 500 characters: it is for the record.',
  host: 'A host’s name as the fleet shows it, or * for the fleet as a whole, or nothing.',
  symptom: 'One of the list, or every symptom.',
};
const NO_SUBJECT = 'Name a host, a symptom, or both.';
// As a browser sends a field for date and time: without a zone.
const LOCAL_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?$/;

export function readReason(fields: Fields): ReadFields<{ reason: string }> {
  const parsed = reasonBodySchema.safeParse({ reason: fields['reason'] ?? '' });
  return parsed.success ? { kind: 'read', value: parsed.data } : mistaken(fields, mistakesOf(parsed.error));
}

export function readSilenceFields(fields: Fields): ReadFields<NewSilence> {
  const { host = '', symptom = '', reason = '', for: span = '', until = '' } = fields;
  const parsed = newSilenceSchema.safeParse({
    ...(host.trim() !== '' && { host: host.trim() }),
    ...(symptom !== '' && { symptom }),
    reason,
    ...(until === '' ? { for: span } : { expires_at: LOCAL_TIME.test(until) ? `${until}Z` : until }),
  });
  return parsed.success ? { kind: 'read', value: parsed.data } : mistaken(fields, mistakesOf(parsed.error));
}

/** `detail`: as `readSilence` tells it, `name: what is wrong`. */
export function silenceMistake(fields: Fields, detail: string): FormState {
  const [name = '', text = detail] = detail.split(/: (.*)/s);
  return { typed: fields, mistakes: { [name === 'expires_at' ? 'until' : name]: `It ${text}.` } };
}

function mistaken(fields: Fields, mistakes: Record<string, string>): { kind: 'mistaken'; form: FormState } {
  return { kind: 'mistaken', form: { typed: fields, mistakes } };
}

function mistakesOf({ issues }: z.ZodError): Record<string, string> {
  return Object.fromEntries(
    issues.map(({ path, code, message }) => {
      const name = String(path[0] ?? 'reason');
      return [name, name === 'host' && code === 'custom' ? NO_SUBJECT : (MISTAKES[name] ?? message)];
    }),
  );
}
