// The frame of every page: navigation, who is logged in, whether it is live, and when it was made.

import { html } from 'hono/html';
import { nameOf, type Principal } from '../identity/principal.ts';
import type { Markup, Page, Section } from './page.ts';
import { timeAgo } from './show/time.ts';

const SECTIONS: Record<Section, { path: string; label: string }> = {
  fleet: { path: '/', label: 'Fleet' },
  alerts: { path: '/alerts', label: 'Alerts' },
  data: { path: '/data', label: 'Data set' },
  gate: { path: '/gate', label: 'Gate' },
};

export interface Frame {
  /** Where the style and the scripts are, without a slash at the end. */
  assets: string;
  /** Undefined before somebody has logged in. */
  principal: Principal | undefined;
  /** A wall time. */
  now: string;
  /** The commit that the receiver runs. */
  version: string | null;
}

export function layOut(page: Page, { assets, principal, now, version }: Frame): Markup {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${page.title} · CIS490</title>
<link rel="icon" type="image/svg+xml" href="${assets}/icon.svg">
<link rel="stylesheet" href="${assets}/uplot.css">
<link rel="stylesheet" href="${assets}/style.css">
<script type="module" src="${assets}/main.js"></script>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="bar">
<a class="brand" href="/"><img src="${assets}/icon.svg" alt="" width="22" height="22">CIS490</a>
${principal && navigation(page.section)}
<div class="bar-end">
${page.topics.length > 0 && html`<span class="live" id="live" role="status" data-topics="${page.topics.join(' ')}" hidden></span>`}
${principal && whoIs(principal)}
</div>
</header>
<main id="main" tabindex="-1">
${page.body}
</main>
<footer class="foot">
<span data-live="made">Made ${timeAgo(now, now)}</span>
<span>receiver ${version === null ? 'unstamped' : html`<code>${version.slice(0, 10)}</code>`}</span>
</footer>
</body>
</html>
`;
}

function navigation(current: Section | undefined): Markup {
  const links = Object.entries(SECTIONS).map(
    ([section, { path, label }]) =>
      html`<a href="${path}"${section === current ? html` aria-current="page"` : ''}>${label}</a>`,
  );
  return html`<nav class="pages" aria-label="Pages">${links}</nav>`;
}

function whoIs(principal: Principal): Markup {
  if (principal.role === 'open') return html`<span class="who" title="No credential is configured">this machine</span>`;
  return html`<form class="who" method="post" action="/logout"><span>${nameOf(principal)} · ${principal.role}</span><button class="link">Log out</button></form>`;
}
