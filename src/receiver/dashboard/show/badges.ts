// Words for how something is, each with its colour and its mark, so that none of them rests on colour alone.

import { html } from 'hono/html';
import type { CheckStatus } from '../../../lib/self-check/check-result.ts';
import type { Severity } from '../../../protocol/alert.ts';
import { HOST_STATES, type HostState } from '../../../protocol/answers.ts';
import type { Markup } from '../page.ts';

type Tone = 'good' | 'warn' | 'bad' | 'idle';

const TONE_OF_STATE: Record<HostState, Tone> = {
  ok: 'good',
  sick: 'warn',
  'never-seen': 'warn',
  silent: 'bad',
  refused: 'bad',
  retired: 'idle',
};
const TONE_OF_STATUS: Record<CheckStatus, Tone> = { green: 'good', yellow: 'warn', red: 'bad', unknown: 'idle' };
const TONE_OF_SEVERITY: Record<Severity, Tone> = { critical: 'bad', warning: 'warn' };

export function badge(tone: Tone, text: string, title = ''): Markup {
  return html`<span class="badge ${tone}"${title === '' ? '' : html` title="${title}"`}>${text}</span>`;
}

export function stateBadge(state: HostState): Markup {
  return badge(TONE_OF_STATE[state], state, HOST_STATES[state]);
}

export function statusBadge(status: CheckStatus): Markup {
  return badge(TONE_OF_STATUS[status], status);
}

export function severityBadge(severity: Severity): Markup {
  return badge(TONE_OF_SEVERITY[severity], severity);
}

export function toneOfState(state: HostState): Tone {
  return TONE_OF_STATE[state];
}
