// What a page of the dashboard is made of, before it is laid out.

import type { Context } from 'hono';
import type { html } from 'hono/html';
import type { RouteEnvironment } from '../http/route-environment.ts';
import type { Principal } from '../identity/principal.ts';

/** Escaped: only the `html` template makes it. */
export type Markup = ReturnType<typeof html>;

export type Section = 'fleet' | 'alerts' | 'data' | 'gate';

/** The events of /v1/events that make a page out of date. `tick`: time alone does. */
type Topic = 'hosts' | 'stored' | 'alerts' | 'gate' | 'tick';

export interface Page {
  status?: 200 | 400 | 401 | 403 | 404 | 405 | 429 | 500 | 503;
  /** In the window's title, before the product's name. */
  title: string;
  /** Where it stands in the navigation; undefined for a page that belongs nowhere. */
  section?: Section;
  topics: readonly Topic[];
  body: Markup;
}

export interface PageCall {
  context: Context<RouteEnvironment>;
  /** Single values of the query; the first where there are several. */
  query: Readonly<Record<string, string>>;
  principal: Principal;
  /** A wall time. */
  now: string;
}
