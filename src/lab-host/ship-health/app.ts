// Builds what sends a doctor report to the receiver, sends it, and says what came of it.

import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { DoctorReport } from '../../protocol/doctor-report.ts';
import { CredentialFiles } from '../transport/credentials.ts';
import { pingPath } from '../transport/ping-layers.ts';
import { ReceiverConnections } from '../transport/receiver-connections.ts';
import { cutReport } from './cut-report.ts';
import { type PutOutcome, putReport } from './put-report.ts';
import { findTarget, type ReceiverTarget } from './receiver-target.ts';

export interface ShipHealthOptions {
  configPath: string;
  /** What the doctor found; one of a configuration that cannot be used has no host in it. */
  report: DoctorReport;
  stop: AbortSignal;
  clock: Clock;
  logger: Logger;
}

/** Resolves with the exit code: 0 stored, however red; 1 not stored; 2 a bad configuration, whether the report of it was stored or not. */
export async function shipHealth(options: ShipHealthOptions): Promise<number> {
  const { configPath, report, logger } = options;
  const found = findTarget(configPath);
  if (found.config === 'bad') {
    for (const line of found.error.message.split('\n')) logger.error({ cure: found.error.hint }, line);
  }
  if (!found.target) {
    logger.error('the health report is not sent: the configuration does not say where to, or with which credential');
    return 2;
  }
  const outcome = await send(found.target, options);
  tell(outcome, found.target, report, logger);
  if (found.config === 'bad') return 2;
  return outcome.kind === 'stored' ? 0 : 1;
}

async function send(
  { host_id: hostId, receiver }: ReceiverTarget,
  { report, stop, clock, logger }: ShipHealthOptions,
): Promise<PutOutcome> {
  const { bearer_token_file: bearerToken, tls, url: receiverUrl } = receiver;
  const credentials = new CredentialFiles({ bearerToken, tls, clock, logger });
  const connectTimeoutMs = receiver.connect_timeout_s * 1000;
  const idleTimeoutMs = receiver.idle_timeout_s * 1000;
  const limits = { connectTimeoutMs, idleTimeoutMs, concurrency: 1 };
  const connections = new ReceiverConnections({ receiverUrl, credentials, ...limits });
  const path = pingPath({
    receiverUrl,
    hostId,
    timeoutMs: connectTimeoutMs,
    credentials,
    clock,
    codeVersion: undefined,
  });
  try {
    const whole = cutReport({ ...report, host_id: report.host_id ?? hostId });
    return await putReport(whole, { hostId, connections, path, clock, stop });
  } finally {
    path.close();
    connections.close();
  }
}

function tell(outcome: PutOutcome, target: ReceiverTarget, { status, checks }: DoctorReport, logger: Logger): void {
  const where = { host: target.host_id, receiver: target.receiver.url };
  if (outcome.kind === 'stored') {
    const red = checks.filter((check) => check.status === 'red').map(({ id }) => id);
    logger.info({ ...where, health: status, ...(red.length > 0 && { red: red.join(',') }) }, 'health report stored');
    return;
  }
  const { layer, code, detail, cure } = outcome;
  logger.error({ ...where, health: status, layer, code, detail, cure }, 'the health report could not be stored');
}
