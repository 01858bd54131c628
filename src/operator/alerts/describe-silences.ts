// Silences for a person: of whom, for how long still, by whom and why.

import { inertLine } from '../../lib/inert-text.ts';
import type { Silence } from '../receiver-answers.ts';
import { type Column, formatColumns } from '../terminal/format-columns.ts';
import { ago, span } from '../terminal/relative-time.ts';
import type { View } from '../terminal/styles.ts';

export function describeSilences(silences: readonly Silence[], nowMs: number, view: View): string[] {
  if (silences.length === 0) return ['Nothing is silenced.'];
  const columns: Column<Silence>[] = [
    { title: 'ID', text: ({ id }) => inertLine(id) },
    { title: 'HOST', text: (silence) => hostOf(silence), narrowest: 16 },
    { title: 'SYMPTOM', text: ({ symptom }) => inertLine(symptom ?? 'every') },
    {
      title: 'UNTIL',
      text: (silence) => until(silence, nowMs),
      style: (silence) => (isActive(silence, nowMs) ? undefined : 'dim'),
    },
    { title: 'BY', text: ({ by }) => inertLine(by ?? '?'), rank: 1 },
    { title: 'REASON', text: ({ reason }) => inertLine(reason ?? ''), narrowest: 12 },
  ];
  return formatColumns(columns, silences, view);
}

/** `lab-07, silent`, `every host, backlog`. */
export function whatIsSilenced(silence: Silence): string {
  return `${hostOf(silence)}, ${inertLine(silence.symptom ?? 'every symptom')}`;
}

function hostOf({ host }: Silence): string {
  if (!host) return 'every host';
  return host === '*' ? 'the fleet' : inertLine(host);
}

function isActive({ active, expires_at: expiresAt }: Silence, nowMs: number): boolean {
  return active ?? Date.parse(expiresAt ?? '') > nowMs;
}

function until(silence: Silence, nowMs: number): string {
  const expiresAt = silence.expires_at ?? '';
  if (!isActive(silence, nowMs)) return `ended ${ago(expiresAt, nowMs)}`;
  return `${span((Date.parse(expiresAt) - nowMs) / 1000)} more`;
}
