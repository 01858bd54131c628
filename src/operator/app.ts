// The terminal's views of the fleet and its alerts, and what is decided of them: each asks the receiver and prints what it says.

import { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import { inertJson, inertLine } from '../lib/inert-text.ts';
import { describeAlerts } from './alerts/describe-alerts.ts';
import { describeSilences, whatIsSilenced } from './alerts/describe-silences.ts';
import { describeFleet } from './fleet/describe-fleet.ts';
import { describeHost } from './fleet/describe-host.ts';
import {
  acknowledgedSchema,
  alertsSchema,
  type Fleet,
  fleetHostSchema,
  fleetSchema,
  silenceSchema,
  silencesSchema,
} from './receiver-answers.ts';
import { type Answer, type Call, type ReceiverAddress, ReceiverClient } from './receiver-client.ts';
import { plainTime } from './terminal/relative-time.ts';
import { type View, viewFor } from './terminal/styles.ts';
import { type WatchedOutput, watch } from './watch.ts';

export interface OperatorOptions {
  receiver: ReceiverAddress;
  /** The receiver's own words in place of a view. */
  json: boolean;
  /** Ends the watching; undefined: the view is printed once. */
  watchUntil?: AbortSignal | undefined;
  output: WatchedOutput;
  environment: NodeJS.ProcessEnv;
  clock: Clock;
}

export interface AlertSelection {
  /** Both where it is undefined. */
  state: 'firing' | 'resolved' | undefined;
  host: string | undefined;
  /** At most so many, the newest. */
  limit: number;
}

export interface NewSilence {
  host: string | undefined;
  symptom: string | undefined;
  /** As it was typed: `2h`. */
  for: string;
  reason: string;
}

export async function showFleet(options: OperatorOptions): Promise<void> {
  const call = { target: '/v1/fleet', schema: fleetSchema, role: 'reader' } as const;
  const { url } = options.receiver;
  await show(options, call, ({ value, nowMs }, view) => describeFleet(value, url, timeOf(value, nowMs), view));
}

export async function showHost(options: OperatorOptions, hostId: string): Promise<void> {
  const target = `/v1/fleet/${encodeURIComponent(hostId)}`;
  const call = { target, schema: fleetHostSchema, role: 'reader', listedBy: 'cis490 fleet' } as const;
  await show(options, call, ({ value, nowMs }, view) => describeHost(value, nowMs, view));
}

export async function showAlerts(options: OperatorOptions, selection: AlertSelection): Promise<void> {
  const call = { target: `/v1/alerts${queryOf({ ...selection })}`, schema: alertsSchema, role: 'reader' } as const;
  await show(options, call, ({ value, nowMs }, view) => describeAlerts(value.alerts, selection.limit, nowMs, view));
}

export async function showSilences(options: OperatorOptions): Promise<void> {
  const call = { target: '/v1/silences', schema: silencesSchema, role: 'reader' } as const;
  await show(options, call, ({ value, nowMs }, view) => describeSilences(value.silences, nowMs, view));
}

export async function acknowledgeAlert(options: OperatorOptions, alertId: string, reason: string): Promise<void> {
  const call = {
    method: 'POST',
    target: `/v1/alerts/${encodeURIComponent(alertId)}/acknowledge`,
    body: { reason },
    schema: acknowledgedSchema,
    role: 'admin',
    listedBy: 'cis490 alerts',
  } as const;
  await show(options, call, ({ value }) => [
    `acknowledged ${inertLine(value.id)}: no more reminders until it is resolved`,
  ]);
}

export async function silenceAlerts(
  options: OperatorOptions,
  { host, symptom, reason, ...rest }: NewSilence,
): Promise<void> {
  const call = {
    method: 'POST',
    target: '/v1/silences',
    body: { ...(host !== undefined && { host }), ...(symptom !== undefined && { symptom }), reason, for: rest.for },
    schema: silenceSchema,
    role: 'admin',
  } as const;
  await show(options, call, ({ value }) => [
    `silenced ${inertLine(value.id)}: ${whatIsSilenced(value)}, until ${plainTime(value.expires_at ?? '')}`,
  ]);
}

export async function endSilence(options: OperatorOptions, silenceId: string): Promise<void> {
  const call = {
    method: 'DELETE',
    target: `/v1/silences/${encodeURIComponent(silenceId)}`,
    schema: z.unknown(),
    role: 'admin',
    listedBy: 'cis490 alerts silences',
  } as const;
  await show(options, call, () => [`ended silence ${silenceId}: what still fires is told again`]);
}

async function show<Schema extends z.ZodType>(
  { receiver, json, watchUntil, output, environment, clock }: OperatorOptions,
  call: Call<Schema>,
  draw: (answer: Answer<z.output<Schema>>, view: View) => string[],
): Promise<void> {
  const client = new ReceiverClient(receiver, clock);
  const read = () => client.call({ ...call, stop: watchUntil });
  if (watchUntil !== undefined) {
    await watch({ read, draw, output, environment, clock, stop: watchUntil });
    return;
  }
  const answer = await read();
  const text = json ? inertJson(answer.json).trimEnd() : draw(answer, viewFor(output, environment)).join('\n');
  if (text !== '') output.write(`${text}\n`);
}

function timeOf({ generated_at: generatedAt }: Fleet, nowMs: number): number {
  const toldMs = Date.parse(generatedAt ?? '');
  return Number.isNaN(toldMs) ? nowMs : toldMs;
}

function queryOf(parameters: Record<string, string | number | undefined>): string {
  const given = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}
