// What a maintainer asks to be silent about: whom, for how long and why. Everything wrong with it is told at once.

import { z } from 'zod';
import { type Clock, formatWallTime } from '../../lib/clock.ts';
import { parseDurationMs } from '../../lib/config/duration.ts';
import { SYMPTOM_NAMES, WHOLE_FLEET } from '../../protocol/alert.ts';
import { hostIdSchema } from '../../protocol/ids.ts';
import type { Silence } from '../../storage/monitor-state.ts';

const LONGEST_MS = 30 * 86_400_000;
const TOO_LONG = 'must end within 30 days';
const LONGEST_REASON = 500;

/** One line that a person wrote, for the record. */
export const reasonSchema = z
  .string()
  .trim()
  .min(1)
  .max(LONGEST_REASON)
  .regex(/^[^\p{Cc}\u2028\u2029]*$/u, 'must be one line of text')
  .meta({ description: `Why: one line of at most ${LONGEST_REASON} characters, for the record` });

export const reasonBodySchema = z.strictObject({ reason: reasonSchema });

/** Whom a silence or a filter names. */
export const alertHostSchema = z
  .union([z.literal(WHOLE_FLEET), hostIdSchema])
  .meta({ description: 'A host id, or * for the fleet as a whole' });

export const newSilenceSchema = z
  .strictObject({
    host: alertHostSchema.optional(),
    symptom: z.enum(SYMPTOM_NAMES).optional(),
    reason: reasonSchema,
    for: z
      .string()
      .optional()
      .meta({ description: 'How long: "2h", "30 min", "3 days"; at most 30 days', example: '2h' }),
    expires_at: z
      .string()
      .optional()
      .meta({ description: 'In place of for: a time with its offset, as RFC 3339 has it' }),
  })
  .superRefine(({ host, symptom, for: span, expires_at }, context) => {
    const add = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (host === undefined && symptom === undefined) add('host', 'it or symptom is needed, or both');
    if ((span === undefined) === (expires_at === undefined)) add('for', 'exactly one of it and expires_at is needed');
  });
export type NewSilence = z.infer<typeof newSilenceSchema>;

export type ReadSilence = { kind: 'silence'; silence: Silence } | { kind: 'bad'; detail: string };

export function readSilence(
  { host, symptom, reason, for: span, expires_at }: NewSilence,
  from: { id: string; by: string; clock: Clock },
): ReadSilence {
  const now = Temporal.Instant.from(from.clock.wallTime());
  const end = span === undefined ? endAt(expires_at ?? '') : endAfter(now, span);
  if (typeof end === 'string') return { kind: 'bad', detail: end };
  const name = span === undefined ? 'expires_at' : 'for';
  const lengthMs = end.epochMilliseconds - now.epochMilliseconds;
  if (lengthMs <= 0) return { kind: 'bad', detail: `${name}: must lie ahead` };
  if (lengthMs > LONGEST_MS) return { kind: 'bad', detail: `${name}: ${TOO_LONG}` };
  return {
    kind: 'silence',
    silence: {
      id: from.id,
      host: host ?? null,
      symptom: symptom ?? null,
      reason,
      by: from.by,
      createdAt: formatWallTime(now),
      expiresAt: formatWallTime(end),
    },
  };
}

function endAfter(now: Temporal.Instant, span: string): Temporal.Instant | string {
  const spanMs = parseDurationMs(span);
  if (spanMs === undefined) return 'for: must be a time such as "2h", "30 min" or "3 days"';
  if (spanMs > LONGEST_MS) return `for: ${TOO_LONG}`;
  return now.add({ milliseconds: Math.round(spanMs) });
}

function endAt(text: string): Temporal.Instant | string {
  try {
    return Temporal.Instant.from(text);
  } catch {
    return 'expires_at: must be a time such as 2026-05-01T06:30:00Z, with its offset';
  }
}
