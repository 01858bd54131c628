// Logging in with a token, and out again. What is typed is never logged and never repeated.

import { TLSSocket } from 'node:tls';
import type { Context, Hono } from 'hono';
import { html } from 'hono/html';
import { serialize } from 'hono/utils/cookie';
import { problemOf } from '../../http/problem-answer.ts';
import type { RouteDependencies } from '../../http/route-dependencies.ts';
import type { RouteEnvironment } from '../../http/route-environment.ts';
import { digestOfToken } from '../../identity/bearer-tokens.ts';
import { allows, nameOf } from '../../identity/principal.ts';
import { comesFromOwnPage, SESSION_COOKIE, SESSION_S, sessionCookieOf } from '../../identity/sessions.ts';
import { type Dashboard, seeOther } from '../dashboard.ts';
import type { Page } from '../page.ts';
import { problemPage } from './problem-page.ts';

// A token has 256 random bits: this is against filling the log and the processor, not against guessing.
const FAILURE_PAUSE_MS = 1_000;
const MOST_FAILING = 16;
// No empty or dot segment: what follows two slashes is a host to some.
const OWN_PATH = /^\/(?:[\w~-][\w.~-]*(?:\/[\w~-][\w.~-]*)*)?(?:\?[\w./=&%+:,*~-]*)?$/;

type LoginDependencies = Pick<RouteDependencies, 'sessions' | 'authenticator' | 'clock' | 'logger' | 'stopping'>;

interface Failure {
  status: NonNullable<Page['status']>;
  text: string;
}

export function registerLogin(
  app: Hono<RouteEnvironment>,
  dashboard: Dashboard,
  dependencies: LoginDependencies,
): void {
  const { sessions, clock, logger, stopping } = dependencies;
  let failing = 0;

  const show = (context: Context<RouteEnvironment>, next: string, failure?: Failure) => {
    const isReadable = !dependencies.authenticator.isConfidential(context.env.incoming);
    return dashboard.respond(context, loginPage({ next, failure, isReadable }), undefined);
  };

  /** Whoever has the right token never waits behind those who have not. */
  const refuse = async (context: Context<RouteEnvironment>, next: string, detail: string): Promise<Response> => {
    if (failing >= MOST_FAILING) {
      const answer = await show(context, next, { status: 429, text: 'Too many logins fail at once: try again.' });
      answer.headers.set('Retry-After', String(FAILURE_PAUSE_MS / 1000));
      return answer;
    }
    failing += 1;
    try {
      logger.warn(
        { client: dependencies.authenticator.clientOf(context.env.incoming) },
        'a login to the dashboard was refused',
      );
      await clock.sleep(FAILURE_PAUSE_MS, stopping);
      return await show(context, next, { status: 401, text: `Refused: ${detail}.` });
    } finally {
      failing -= 1;
    }
  };

  app.get('/login', (context) => {
    const next = nextOf(context.req.query('next'));
    return dependencies.authenticator.needsCredential ? show(context, next) : seeOther(next);
  });

  app.post('/login', async (context) => {
    const { incoming } = context.env;
    const { authenticator } = dependencies;
    const fields = await dashboard.readFields(context);
    if (fields === 'refused') return await show(context, '/', { status: 400, text: 'The form could not be read.' });
    const next = nextOf(fields['next']);
    if (!authenticator.needsCredential) return seeOther(next);
    // Or a page of somebody else logs its reader in as somebody else.
    if (!comesFromOwnPage(incoming)) return await show(context, next, { status: 403, text: 'Log in from this page.' });
    const token = (fields['token'] ?? '').trim();
    try {
      const found = await authenticator.authenticateToken(token);
      if (found.kind === 'refused') return await refuse(context, next, found.detail);
      if (!allows(found.principal, 'read-dashboard')) {
        const text = 'This token is a machine’s. People log in with a reader’s or an admin’s token.';
        return await show(context, next, { status: 403, text });
      }
      const before = sessionCookieOf(incoming);
      if (before !== undefined) sessions.end(before);
      const cookie = sessions.begin(digestOfToken(token).toString('hex'));
      logger.info({ client: authenticator.clientOf(incoming), as: nameOf(found.principal) }, 'somebody logged in');
      return withCookie(seeOther(next), cookie, context);
    } catch (error) {
      const { code, detail } = problemOf(error);
      logger.error({ err: error, path: '/login' }, 'a page could not be made');
      return await dashboard.respond(context, problemPage(code, detail), undefined);
    }
  });

  app.post('/logout', (context) => {
    const cookie = sessionCookieOf(context.env.incoming);
    if (cookie === undefined || !comesFromOwnPage(context.env.incoming)) return seeOther('/');
    sessions.end(cookie);
    return withCookie(seeOther('/login'), undefined, context);
  });
}

/** A path of ours, whatever was asked for. */
function nextOf(given: string | undefined): string {
  return given !== undefined && OWN_PATH.test(given) ? given : '/';
}

function withCookie(
  answer: Response,
  value: string | undefined,
  { env: { incoming } }: Context<RouteEnvironment>,
): Response {
  // Behind a proxy the browser's own word says whether it came by TLS.
  const secure = incoming.socket instanceof TLSSocket || incoming.headers.origin?.startsWith('https:') === true;
  const cookie = serialize(SESSION_COOKIE, value ?? '', {
    path: '/',
    httpOnly: true,
    sameSite: 'Lax',
    maxAge: value === undefined ? 0 : SESSION_S,
    ...(secure && { secure }),
  });
  answer.headers.append('Set-Cookie', cookie);
  return answer;
}

/** `isReadable`: what is typed goes over plain HTTP from another machine. */
function loginPage({
  next,
  failure,
  isReadable,
}: {
  next: string;
  failure: Failure | undefined;
  isReadable: boolean;
}): Page {
  return {
    ...(failure && { status: failure.status }),
    title: 'Log in',
    topics: [],
    body: html`<section class="login">
<h1>Log in</h1>
<p>With a reader’s or an admin’s token. Make one on the receiver:</p>
<pre tabindex="0">sudo cis490 token create --role reader</pre>
<form method="post" action="/login">
${failure && html`<p class="failure" role="alert" id="failure">${failure.text}</p>`}
<input type="hidden" name="next" value="${next}">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" spellcheck="false" required autofocus${failure ? html` aria-describedby="failure" aria-invalid="true"` : ''}>
<button class="primary">Log in</button>
</form>
${isReadable && html`<p class="muted small">This page came over plain HTTP: whoever is on the way can read the token. Use https.</p>`}
</section>`,
  };
}
