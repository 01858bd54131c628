// The real monitor, one run, which kills itself right after a named durable step was done.
// Arguments: ledger, alerts, journal, now, step.

import { runFleetHealth } from '../../src/fleet-health/app.ts';
import { THRESHOLDS } from '../../src/fleet-health/observed.fixture.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { killAfter } from './kill-after.ts';
import { plainLogger } from './plain-logger.ts';

const [indexPath = '', alertsPath = '', journalFile = '', nowWall = '', step = ''] = process.argv.slice(2);
await runFleetHealth({
  indexPath,
  alertsPath,
  thresholds: THRESHOLDS,
  attempts: { from: 'journal', unit: 'none', journalFile },
  expectedHosts: [],
  receiver: undefined,
  updateCommands: { git: ['true'], release: ['true'] },
  nowWall,
  dryRun: false,
  json: false,
  telling: { notifiers: [], heartbeatUrl: undefined, recoveryRuns: 2, reminderS: 3600 },
  output: process.stdout,
  logger: plainLogger(),
  clock: systemClock,
  afterStep: killAfter(step, 1),
});
