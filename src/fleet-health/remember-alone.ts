// A run without alert states and notifications: what it read is remembered, and nobody is told but the log.

import type { MonitorState } from '../storage/monitor-state.ts';
import type { AfterDetection } from './after-detection.ts';

export function rememberAlone(state: Pick<MonitorState, 'applyRun'>): AfterDetection {
  return {
    settle: async ({ memory, nowWall }) =>
      await state.applyRun({ alerts: [], notifications: [], memory, forgetResolvedBefore: nowWall }),
  };
}
