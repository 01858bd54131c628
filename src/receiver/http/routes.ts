// Every endpoint but those that bring an episode, in one app, and the contract that is made from them.

import { Hono } from 'hono';
import { AppError } from '../../lib/app-error.ts';
import { AlertBoard } from '../alerts/alert-board.ts';
import { registerDashboard } from '../dashboard/register-dashboard.ts';
import { problemOf } from './problem-answer.ts';
import type { RouteDependencies } from './route-dependencies.ts';
import { answerProblem, type RouteEnvironment } from './route-environment.ts';
import { RouteTable } from './route-table.ts';
import { registerAlerts } from './routes/alerts.ts';
import { describeEpisodeWrites } from './routes/describe-episode-writes.ts';
import { registerEpisode } from './routes/episode.ts';
import { registerEpisodes } from './routes/episodes.ts';
import { registerEst } from './routes/est.ts';
import { registerEvents } from './routes/events.ts';
import { registerFleet } from './routes/fleet.ts';
import { registerHealth, registerReadiness } from './routes/health.ts';
import { registerHeartbeat } from './routes/heartbeat.ts';
import { registerHostHealth } from './routes/host-health.ts';
import { registerIndex } from './routes/index-stream.ts';
import { registerMetrics } from './routes/metrics.ts';
import { registerOpenApi } from './routes/openapi.ts';
import { registerPing } from './routes/ping.ts';
import { registerReleases } from './routes/releases.ts';
import { registerRetiredHosts } from './routes/retired-hosts.ts';
import { registerSilences } from './routes/silences.ts';
import { registerVersionGate } from './routes/version-gate.ts';

export function createRoutes(dependencies: RouteDependencies): Hono<RouteEnvironment> {
  const app = new Hono<RouteEnvironment>();
  const routes = new RouteTable(app);
  const alertBoard = new AlertBoard(dependencies);
  app.use('*', async (context, next) => {
    await next();
    // A body that nobody has read: the client may be in the middle of it.
    const { incoming, outgoing } = context.env;
    if (!outgoing.headersSent)
      dependencies.lingering.prepare(incoming, outgoing, incoming.headers.expect !== undefined);
  });
  registerHealth(routes);
  registerEst(routes, dependencies);
  registerDashboard(app, dependencies, alertBoard);
  app.use('*', async (context, next) => {
    const authentication = await dependencies.authenticator.authenticate(context.env.incoming);
    if (authentication.kind === 'refused') {
      return answerProblem(context, authentication.code, authentication.detail);
    }
    context.set('principal', authentication.principal);
    if (authentication.principal.role === 'host') dependencies.fleet.heard(authentication.principal.hostId);
    await next();
    return undefined;
  });
  registerReadiness(routes, dependencies);
  registerPing(routes, dependencies);
  registerVersionGate(routes, dependencies);
  describeEpisodeWrites(routes);
  registerEpisode(routes, dependencies);
  registerEpisodes(routes, dependencies);
  registerIndex(routes, dependencies);
  registerHeartbeat(routes, dependencies);
  registerHostHealth(routes, dependencies);
  registerFleet(routes, dependencies, alertBoard);
  registerEvents(routes, dependencies);
  registerRetiredHosts(routes, dependencies, alertBoard);
  registerAlerts(routes, dependencies, alertBoard);
  registerSilences(routes, dependencies, alertBoard);
  registerReleases(routes, dependencies);
  registerMetrics(routes, dependencies, alertBoard);
  registerOpenApi(routes, dependencies);
  routes.answerOtherMethods();
  app.notFound((context) =>
    answerProblem(context, 'not-found', `nothing is served at ${context.req.method} ${context.req.path}`),
  );
  app.onError((error, context) => {
    dependencies.logger.error({ err: error, path: context.req.path }, 'request failed');
    if (error instanceof AppError && error.code === 'sync-failed') dependencies.onFatal(error);
    const { code, detail } = problemOf(error);
    return answerProblem(context, code, detail);
  });
  return app;
}
