// How large a part of the whole something is, as a bar beside its figure. For the eye alone: the figure says it, too.

import { html } from 'hono/html';
import type { Markup } from '../page.ts';

/** `share`: 0 to 1. What is more than nothing can be seen. */
export function shareBar(share: number, tone: 'plain' | 'good' | 'warn' | 'bad' = 'plain'): Markup {
  const width = share > 0 ? Math.min(100, Math.max(1, Math.round(share * 1000) / 10)) : 0;
  return html`<svg class="share ${tone}" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="whole" width="100" height="8" rx="2"/><rect class="part" width="${width}" height="8" rx="2"/></svg>`;
}
