// The pages and forms of the dashboard as routes: who may see them, what becomes of a failure, and the headers that keep a page inert.

import type { Context, Hono } from 'hono';
import { AppError } from '../../lib/app-error.ts';
import type { ProblemCode } from '../../protocol/problem.ts';
import { problemOf } from '../http/problem-answer.ts';
import { readBytes } from '../http/read-bytes.ts';
import type { RouteDependencies } from '../http/route-dependencies.ts';
import { answerProblem, type RouteEnvironment } from '../http/route-environment.ts';
import type { Refused } from '../identity/authentication.ts';
import { type Action, allows, type Principal } from '../identity/principal.ts';
import { type Assets, readAssets } from './assets.ts';
import { compressPage, type PageBody } from './compress-page.ts';
import { layOut } from './layout.ts';
import type { Page, PageCall } from './page.ts';
import { problemPage } from './pages/problem-page.ts';

const MOST_FORM_BYTES = 16 * 1024;
const YEAR_S = 31_536_000;

// Nothing but our own files, no frame around it, and no form that goes elsewhere.
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

// Characters that turn the text around them, or are not seen: whoever wrote them, no page has them.
const TURNING = /[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

const SAFE_HEADERS = {
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
};

/** What a page handler may come to, beside a page: nothing has that name, or what is asked for has a page of its own. */
type PageOutcome = Page | { goTo: string } | 'not-found';
type PageHandler = (call: PageCall) => Promise<PageOutcome> | PageOutcome;

interface FormCall extends PageCall {
  fields: Readonly<Record<string, string>>;
}

/** Where the browser goes after a form was taken, or what it is told in its place. */
type FormHandler = (call: FormCall) => Promise<{ goTo: string } | Page | 'not-found'>;

export class Dashboard {
  readonly #app: Hono<RouteEnvironment>;
  readonly #dependencies: RouteDependencies;
  readonly #assets: Assets = readAssets();

  constructor(app: Hono<RouteEnvironment>, dependencies: RouteDependencies) {
    this.#app = app;
    this.#dependencies = dependencies;
    app.get('/assets/:digest/:name', (context) => this.#asset(context));
  }

  /** `path` as hono has it. */
  page(path: string, action: Action, handler: PageHandler): void {
    this.#app.get(path, async (context) => {
      const known = await this.#principal(context, action);
      if ('answer' in known) return known.answer;
      try {
        const page = await handler(this.#call(context, known.principal));
        if (page === 'not-found') return await this.#notFound(context, known.principal);
        if ('goTo' in page) return seeOther(page.goTo);
        return await this.respond(context, page, known.principal);
      } catch (error) {
        return await this.#failed(context, error, known.principal);
      }
    });
  }

  form(path: string, action: Action, handler: FormHandler): void {
    this.#app.post(path, async (context) => {
      const known = await this.#principal(context, action);
      if ('answer' in known) return known.answer;
      try {
        const fields = await this.readFields(context);
        if (fields === 'refused')
          return await this.#problem(context, 'bad-body', 'the form could not be read', known.principal);
        const outcome = await handler({ ...this.#call(context, known.principal), fields });
        if (outcome === 'not-found') return await this.#notFound(context, known.principal);
        if (!('goTo' in outcome)) return await this.respond(context, outcome, known.principal);
        return seeOther(outcome.goTo);
      } catch (error) {
        return await this.#failed(context, error, known.principal);
      }
    });
  }

  /** Whole, with the headers of every page. */
  async respond(context: Context<RouteEnvironment>, page: Page, principal: Principal | undefined): Promise<Response> {
    const { clock, version } = this.#dependencies;
    const { path: assets } = this.#assets;
    const whole = await layOut(page, { assets, principal, now: clock.wallTime(), version });
    const body = await compressPage(whole.toString().replace(TURNING, '?'), context.req.header('Accept-Encoding'));
    return htmlAnswer(context, body, page.status ?? 200);
  }

  /** A form's fields, the first of each name. */
  async readFields(context: Context<RouteEnvironment>): Promise<Record<string, string> | 'refused'> {
    const read = await readBytes(context, this.#dependencies.limits.pace, MOST_FORM_BYTES);
    if (read.kind === 'refused') return 'refused';
    return firstOfEach(new URLSearchParams(read.bytes.toString('utf8')));
  }

  #call(context: Context<RouteEnvironment>, principal: Principal): PageCall {
    const { searchParams } = new URL(context.req.url);
    return { context, query: firstOfEach(searchParams), principal, now: this.#dependencies.clock.wallTime() };
  }

  async #principal(
    context: Context<RouteEnvironment>,
    action: Action,
  ): Promise<{ principal: Principal } | { answer: Response }> {
    const { authenticator } = this.#dependencies;
    const authentication = await authenticator.authenticate(context.env.incoming);
    if (authentication.kind === 'refused') return { answer: await this.#refused(context, authentication) };
    const { principal } = authentication;
    if (allows(principal, action)) return { principal };
    return {
      answer: await this.#problem(
        context,
        'forbidden',
        'this credential does not allow it; an admin token does: cis490 token create --role admin',
        principal,
      ),
    };
  }

  /** Who only has to log in is led there, and back. */
  async #refused(context: Context<RouteEnvironment>, { code, detail }: Refused): Promise<Response> {
    const { method, url } = context.req;
    const mayLogIn = this.#dependencies.authenticator.needsCredential && code.startsWith('credential-');
    if (!mayLogIn || method !== 'GET' || !isForPerson(context))
      return await this.#problem(context, code, detail, undefined);
    const { pathname, search } = new URL(url);
    const next = pathname === '/' && search === '' ? '' : `?next=${encodeURIComponent(pathname + search)}`;
    return seeOther(`/login${next}`);
  }

  async #failed(context: Context<RouteEnvironment>, error: unknown, principal: Principal): Promise<Response> {
    const { logger, onFatal } = this.#dependencies;
    const { code, detail } = problemOf(error);
    const fields = { err: error, path: context.req.path };
    // Whoever has left aborts what was under way for them: no failure of ours.
    if (context.env.outgoing.destroyed) logger.info(fields, 'a page was not made: its reader has left');
    else if (code !== 'not-ready') logger.error(fields, 'a page could not be made');
    if (error instanceof AppError && error.code === 'sync-failed') onFatal(error);
    return await this.#problem(context, code, detail, principal);
  }

  async #notFound(context: Context<RouteEnvironment>, principal: Principal): Promise<Response> {
    return await this.#problem(context, 'not-found', `nothing is known at ${context.req.path}`, principal);
  }

  /** A program that asks for a page is told as by every other endpoint. */
  async #problem(
    context: Context<RouteEnvironment>,
    code: ProblemCode,
    detail: string,
    principal: Principal | undefined,
  ): Promise<Response> {
    if (!isForPerson(context)) return answerProblem(context, code, detail);
    return await this.respond(context, problemPage(code, detail), principal);
  }

  #asset(context: Context<RouteEnvironment>): Response {
    const asset = this.#assets.byName.get(context.req.param('name') ?? '');
    // An older page asks for what it was made with: better what is there now than nothing.
    if (!asset) return new Response('not found\n', { status: 404, headers: { 'Content-Type': 'text/plain' } });
    const isCurrent = context.req.path.startsWith(`${this.#assets.path}/`);
    return new Response(asset.content, {
      headers: {
        ...SAFE_HEADERS,
        'Content-Type': asset.contentType,
        'Cache-Control': isCurrent ? `public, max-age=${YEAR_S}, immutable` : 'no-store',
      },
    });
  }
}

function htmlAnswer(context: Context<RouteEnvironment>, { content, headers }: PageBody, status: number): Response {
  return context.body(content, status as 200, {
    ...SAFE_HEADERS,
    ...headers,
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    ...(status === 503 && { 'Retry-After': '5' }),
  });
}

/** Browsers ask for HTML by name; curl and the like take whatever there is. */
function isForPerson(context: Context<RouteEnvironment>): boolean {
  return context.req.header('Accept')?.includes('text/html') === true;
}

export function seeOther(path: string): Response {
  return new Response(null, { status: 303, headers: { Location: path, 'Cache-Control': 'no-store' } });
}

function firstOfEach(pairs: URLSearchParams): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [name, value] of pairs) if (!Object.hasOwn(fields, name)) fields[name] = value;
  return fields;
}
