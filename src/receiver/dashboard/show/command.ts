// A command to be pasted, with a button that copies it where scripts run.

import { html } from 'hono/html';
import type { Markup } from '../page.ts';

/** `command`: one line or several; never from a host. */
export function copyable(command: string): Markup {
  return html`<div class="command"><pre tabindex="0">${command}</pre><button type="button" class="copy" data-copy hidden>Copy</button></div>`;
}
