// What a person sees in place of a page, and what to do next.

import { html } from 'hono/html';
import { PROBLEMS, type ProblemCode } from '../../../protocol/problem.ts';
import type { Page } from '../page.ts';

const NEXT: Partial<Record<ProblemCode, string>> = {
  'not-ready': 'This page tries again by itself.',
  'database-busy': 'This page tries again by itself.',
  'internal-error': 'The receiver’s log has the cause: journalctl -u cis490-receiver -n 50',
};

/** `detail`: ours, never a host's. */
export function problemPage(code: ProblemCode, detail = ''): Page {
  const [status, title] = PROBLEMS[code];
  const triesAgain = status === 503;
  return {
    status: status as NonNullable<Page['status']>,
    title,
    topics: triesAgain ? ['tick'] : [],
    body: html`<section class="notice"${triesAgain ? html` data-again="5"` : ''}>
<h1>${title}</h1>
${detail !== '' && html`<p>${detail}</p>`}
${NEXT[code] !== undefined && html`<p>${NEXT[code]}</p>`}
<p><a href="/">Back to the fleet</a></p>
</section>`,
  };
}
