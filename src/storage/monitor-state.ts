// Port: the monitor's memory in monitor.db, which nothing can make again: each alert from its begin to its end, what was done about
// it, who is still to be told. Written by the monitor's runs, and by the receiver for the maintainer's decisions. Each call is atomic
// and durable when it resolves; all throw `disk-full` or `database-busy`. Times are wall times as clock.ts writes them.

import type { Severity, Symptom } from '../protocol/alert.ts';

/** One fault of one host, from the run that found it first to the run that saw it gone. */
export interface Alert {
  /** 8 hex digits. */
  id: string;
  /** `*` for the fleet as a whole. */
  host: string;
  symptom: Symptom;
  severity: Severity;
  /** As the last run found it. */
  detail: string;
  suggestedFix: string;
  state: 'firing' | 'resolved';
  firstAt: string;
  lastAt: string;
  resolvedAt: string | null;
  /** Runs in a row that looked and did not find it. */
  goodRuns: number;
  /** The symptom of the whole fleet that explains it now. */
  suppressedBy: Symptom | null;
  /** The silence that holds for it now. */
  silencedBy: string | null;
  /** When the channels were last told that it fires; null when they never were, or are to be told anew. */
  notifiedAt: string | null;
  acknowledged: Acknowledgement | null;
}

export interface Acknowledgement {
  at: string;
  by: string;
  reason: string;
}

/** What a run says of an alert; acknowledgements are the maintainer's. */
export type AlertOfRun = Omit<Alert, 'acknowledged'>;

/** Null stands for all. */
export interface Silence {
  /** 8 hex digits. */
  id: string;
  host: string | null;
  symptom: Symptom | null;
  reason: string;
  by: string;
  createdAt: string;
  expiresAt: string;
}

export type NotificationKind = 'firing' | 'reminder' | 'resolved';

/** One channel is still to be told of one alert. A later event of the same alert replaces the one that waits. */
export interface Notification {
  channel: string;
  alertId: string;
  kind: NotificationKind;
  queuedAt: string;
}

export interface Channel {
  name: string;
  /** In a row. */
  failures: number;
  /** Not before this time, in milliseconds since 1970. */
  nextTryAtMs: number;
  lastError: string | null;
  lastSentAt: string | null;
}

export interface RunChange {
  /** New ones, and those that this run changed. */
  alerts: readonly AlertOfRun[];
  notifications: readonly Notification[];
  /** What the next run is to remember, as text; replaces what was remembered. */
  memory: string;
  /** The wall time of the run. */
  ranAt: string;
  /** Resolved alerts that ended before this time are forgotten. */
  forgetResolvedBefore: string;
}

export interface AlertFilter {
  state?: Alert['state'];
  host?: string;
  /** At most so many. */
  limit: number;
}

export interface MonitorState {
  /** Newest first. */
  listAlerts(filter: AlertFilter): Promise<Alert[]>;
  /** All that fire, by host and symptom. */
  firingAlerts(): Promise<Alert[]>;
  /** `resolved`: it has ended meanwhile, and nothing is to be acknowledged. An acknowledgement replaces the one before. */
  acknowledge(alertId: string, acknowledgement: Acknowledgement): Promise<'acknowledged' | 'resolved' | 'not-found'>;

  putSilence(silence: Silence): Promise<void>;
  /** By expiry; those that have expired within the last 30 days of `now` too. */
  listSilences(now: string): Promise<Silence[]>;
  /** Ends it at `at`. False when there is none that would have lasted longer. */
  endSilence(silenceId: string, at: string): Promise<boolean>;

  /** Undefined before the first run. */
  memory(): Promise<string | undefined>;
  /** The time of the last run that was applied; null before the first one. */
  lastRunAt(): Promise<string | null>;
  /** Another text whenever another connection has changed something since; what this one changes, its caller knows. Cheap. */
  version(): Promise<string>;
  /** All of it or nothing. */
  applyRun(change: RunChange): Promise<void>;

  /** With its alert; by channel, then by the time it was queued. */
  waitingNotifications(): Promise<Array<Notification & { alert: Alert }>>;
  /** Takes out of the queue what a channel has taken; an event that replaced it meanwhile stays. */
  settle(sent: readonly Notification[]): Promise<void>;
  /** Drops what waits for channels that are no longer configured. */
  forgetChannelsExcept(names: readonly string[]): Promise<void>;
  channels(): Promise<Channel[]>;
  putChannel(channel: Channel): Promise<void>;

  close(): Promise<void>;
}
