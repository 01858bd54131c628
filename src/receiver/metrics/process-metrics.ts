// What the process costs: prom-client's own collectors, without those that break Prometheus' naming rules.

import { collectDefaultMetrics, type Registry } from 'prom-client';

// Gauges whose names end in `_total`; what they count changes with Node's versions besides.
const MISNAMED = ['nodejs_active_resources_total', 'nodejs_active_handles_total', 'nodejs_active_requests_total'];
// Each look at the event loop's delay wakes the process.
const EVENT_LOOP_LOOK_MS = 50;

export function addProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_LOOK_MS });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
}
