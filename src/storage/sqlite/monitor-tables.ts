// The tables of monitor.db, version by version.

import type { Migrations } from './shared-database.ts';

export const MONITOR_MIGRATIONS: Migrations = [
  // Version 1 had tables of which nothing is kept.
  '',
  `
  DROP TABLE IF EXISTS claims;
  DROP TABLE IF EXISTS leases;
  CREATE TABLE alerts (
    id TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    symptom TEXT NOT NULL,
    severity TEXT NOT NULL,
    detail TEXT NOT NULL,
    suggested_fix TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('firing', 'resolved')),
    first_at TEXT NOT NULL,
    last_at TEXT NOT NULL,
    resolved_at TEXT,
    good_runs INTEGER NOT NULL,
    suppressed_by TEXT,
    silenced_by TEXT,
    notified_at TEXT,
    acknowledged_at TEXT,
    acknowledged_by TEXT,
    acknowledged_reason TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX alerts_firing ON alerts (host, symptom) WHERE state = 'firing';
  CREATE INDEX alerts_by_begin ON alerts (first_at);
  CREATE TABLE silences (
    id TEXT PRIMARY KEY,
    host TEXT,
    symptom TEXT,
    reason TEXT NOT NULL,
    made_by TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE run_memory (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    memory TEXT NOT NULL
  ) STRICT;
  CREATE TABLE notifications (
    channel TEXT NOT NULL,
    alert_id TEXT NOT NULL REFERENCES alerts (id),
    kind TEXT NOT NULL,
    queued_at TEXT NOT NULL,
    PRIMARY KEY (channel, alert_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX notifications_of_alert ON notifications (alert_id);
  CREATE TABLE channels (
    name TEXT PRIMARY KEY,
    failures INTEGER NOT NULL,
    next_try_at_ms REAL NOT NULL,
    last_error TEXT,
    last_sent_at TEXT
  ) STRICT, WITHOUT ROWID;`,
  // Null: the last run was one of an older release.
  'ALTER TABLE run_memory ADD COLUMN ran_at TEXT;',
];
