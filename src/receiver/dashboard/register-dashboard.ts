// All pages of the dashboard.

import type { Hono } from 'hono';
import type { AlertBoard } from '../alerts/alert-board.ts';
import type { RouteDependencies } from '../http/route-dependencies.ts';
import type { RouteEnvironment } from '../http/route-environment.ts';
import { Dashboard } from './dashboard.ts';
import { registerAlertsPage } from './pages/alerts-page.ts';
import { registerDataPage } from './pages/data-page.ts';
import { registerEpisodePage } from './pages/episode-page.ts';
import { registerFleetPage } from './pages/fleet-page.ts';
import { registerGatePage } from './pages/gate-page.ts';
import { registerHostPage } from './pages/host-page.ts';
import { registerLogin } from './pages/login-page.ts';

export function registerDashboard(
  app: Hono<RouteEnvironment>,
  dependencies: RouteDependencies,
  alertBoard: AlertBoard,
): void {
  const dashboard = new Dashboard(app, dependencies);
  registerLogin(app, dashboard, dependencies);
  registerFleetPage(dashboard, dependencies, alertBoard);
  registerHostPage(dashboard, dependencies, alertBoard);
  registerAlertsPage(dashboard, dependencies, alertBoard);
  registerDataPage(dashboard, dependencies);
  registerEpisodePage(dashboard, dependencies);
  registerGatePage(dashboard, dependencies);
}
