// The monitor's memory in monitor.db, which its runs and the receiver share. Each call is one transaction.

import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { formatWallTime } from '../../lib/clock.ts';
import type {
  Acknowledgement,
  Alert,
  AlertFilter,
  AlertOfRun,
  Channel,
  MonitorState,
  Notification,
  NotificationKind,
  RunChange,
  Silence,
} from '../monitor-state.ts';
import { MONITOR_MIGRATIONS } from './monitor-tables.ts';
import { dataVersionOf, openSharedDatabase, whenFree } from './shared-database.ts';
import { inTransaction } from './transaction.ts';

const ENDED_SILENCES_SHOWN_HOURS = 30 * 24;

type Row = Record<string, SQLOutputValue>;
type Statements = ReturnType<typeof prepareStatements>;

export class SqliteMonitorState implements MonitorState {
  readonly #database: DatabaseSync;
  readonly #statements: Statements;

  private constructor(database: DatabaseSync) {
    this.#database = database;
    this.#statements = prepareStatements(database);
  }

  /** Throws what `openSharedDatabase` throws. */
  static async open(path: string): Promise<SqliteMonitorState> {
    return new SqliteMonitorState(await openSharedDatabase(path, MONITOR_MIGRATIONS));
  }

  async listAlerts({ state, host, limit }: AlertFilter): Promise<Alert[]> {
    const asked = { $state: state ?? null, $host: host ?? null, $limit: limit };
    return (await this.#run(({ listAlerts }) => listAlerts.all(asked))).map(toAlert);
  }

  async firingAlerts(): Promise<Alert[]> {
    return (await this.#run(({ firingAlerts }) => firingAlerts.all())).map(toAlert);
  }

  async acknowledge(alertId: string, { at, by, reason }: Acknowledgement) {
    return await this.#change(({ acknowledge, findAlert }) => {
      if (acknowledge.run(at, by, reason, alertId).changes === 1) return 'acknowledged';
      return findAlert.get(alertId) ? 'resolved' : 'not-found';
    });
  }

  async putSilence({ id, host, symptom, reason, by, createdAt, expiresAt }: Silence): Promise<void> {
    await this.#run(({ putSilence }) => putSilence.run(id, host, symptom, reason, by, createdAt, expiresAt));
  }

  async listSilences(now: string): Promise<Silence[]> {
    const endedAfter = formatWallTime(Temporal.Instant.from(now).subtract({ hours: ENDED_SILENCES_SHOWN_HOURS }));
    return (await this.#run(({ listSilences }) => listSilences.all(endedAfter))).map(toSilence);
  }

  async endSilence(silenceId: string, at: string): Promise<boolean> {
    return (await this.#run(({ endSilence }) => endSilence.run({ $id: silenceId, $at: at }))).changes === 1;
  }

  async memory(): Promise<string | undefined> {
    const found = await this.#run(({ readMemory }) => readMemory.get());
    return found && String(found['memory']);
  }

  async lastRunAt(): Promise<string | null> {
    return textOrNull((await this.#run(({ readLastRun }) => readLastRun.get()))?.['ran_at']);
  }

  async version(): Promise<string> {
    return await whenFree(this.#database, () => dataVersionOf(this.#database));
  }

  async applyRun({ alerts, notifications, memory, ranAt, forgetResolvedBefore }: RunChange): Promise<void> {
    await this.#change(({ putAlert, queue, saveMemory, forget }) => {
      for (const alert of alerts) putAlert.run(parametersOf(alert));
      for (const { channel, alertId, kind, queuedAt } of notifications) queue.run(channel, alertId, kind, queuedAt);
      saveMemory.run(memory, ranAt);
      forget.run(forgetResolvedBefore);
    });
  }

  async waitingNotifications(): Promise<Array<Notification & { alert: Alert }>> {
    const rows = await this.#run(({ listWaiting }) => listWaiting.all());
    return rows.map((row) => ({ ...toNotification(row), alert: toAlert(row) }));
  }

  async settle(sent: readonly Notification[]): Promise<void> {
    await this.#change(({ settle }) => {
      for (const { channel, alertId, kind, queuedAt } of sent) settle.run(channel, alertId, kind, queuedAt);
    });
  }

  async forgetChannelsExcept(names: readonly string[]): Promise<void> {
    const kept = JSON.stringify(names);
    await this.#change(({ dropWaiting, dropChannels }) => {
      dropWaiting.run(kept);
      dropChannels.run(kept);
    });
  }

  async channels(): Promise<Channel[]> {
    return (await this.#run(({ listChannels }) => listChannels.all())).map(toChannel);
  }

  async putChannel({ name, failures, nextTryAtMs, lastError, lastSentAt }: Channel): Promise<void> {
    await this.#run(({ putChannel }) => putChannel.run(name, failures, nextTryAtMs, lastError, lastSentAt));
  }

  async close(): Promise<void> {
    this.#database.close();
  }

  /** One statement. */
  async #run<T>(work: (statements: Statements) => T): Promise<T> {
    return await whenFree(this.#database, () => work(this.#statements));
  }

  async #change<T>(work: (statements: Statements) => T): Promise<T> {
    return await whenFree(this.#database, () => inTransaction(this.#database, () => work(this.#statements)));
  }
}

function prepareStatements(database: DatabaseSync) {
  return {
    listAlerts: database.prepare(`
      SELECT * FROM alerts WHERE ($state IS NULL OR state = $state) AND ($host IS NULL OR host = $host)
      ORDER BY first_at DESC, host, symptom LIMIT $limit`),
    firingAlerts: database.prepare("SELECT * FROM alerts WHERE state = 'firing' ORDER BY host, symptom"),
    findAlert: database.prepare('SELECT 1 FROM alerts WHERE id = ?'),
    acknowledge: database.prepare(`
      UPDATE alerts SET acknowledged_at = ?, acknowledged_by = ?, acknowledged_reason = ? WHERE id = ? AND state = 'firing'`),
    // The acknowledgement stays: it is the maintainer's, and may have come while the run was under way.
    putAlert: database.prepare(`
      INSERT INTO alerts (id, host, symptom, severity, detail, suggested_fix, state, first_at, last_at, resolved_at, good_runs,
        suppressed_by, silenced_by, notified_at)
      VALUES ($id, $host, $symptom, $severity, $detail, $suggestedFix, $state, $firstAt, $lastAt, $resolvedAt, $goodRuns,
        $suppressedBy, $silencedBy, $notifiedAt)
      ON CONFLICT (id) DO UPDATE SET host = excluded.host, symptom = excluded.symptom, severity = excluded.severity,
        detail = excluded.detail, suggested_fix = excluded.suggested_fix, state = excluded.state, first_at = excluded.first_at,
        last_at = excluded.last_at, resolved_at = excluded.resolved_at, good_runs = excluded.good_runs,
        suppressed_by = excluded.suppressed_by, silenced_by = excluded.silenced_by, notified_at = excluded.notified_at`),
    // One that a channel is still to be told of is kept until it was.
    forget: database.prepare(`
      DELETE FROM alerts WHERE state = 'resolved' AND resolved_at < ?
        AND NOT EXISTS (SELECT 1 FROM notifications WHERE alert_id = alerts.id)`),
    putSilence: database.prepare('INSERT OR REPLACE INTO silences VALUES (?, ?, ?, ?, ?, ?, ?)'),
    listSilences: database.prepare('SELECT * FROM silences WHERE expires_at > ? ORDER BY expires_at, id'),
    endSilence: database.prepare('UPDATE silences SET expires_at = $at WHERE id = $id AND expires_at > $at'),
    readMemory: database.prepare('SELECT memory FROM run_memory'),
    saveMemory: database.prepare('INSERT OR REPLACE INTO run_memory (only_row, memory, ran_at) VALUES (1, ?, ?)'),
    readLastRun: database.prepare('SELECT ran_at FROM run_memory'),
    queue: database.prepare('INSERT OR REPLACE INTO notifications VALUES (?, ?, ?, ?)'),
    listWaiting: database.prepare(`
      SELECT * FROM notifications JOIN alerts ON alerts.id = alert_id ORDER BY channel, queued_at, host, symptom, alert_id`),
    settle: database.prepare(`
      DELETE FROM notifications WHERE channel = ? AND alert_id = ? AND kind = ? AND queued_at = ?`),
    dropWaiting: database.prepare('DELETE FROM notifications WHERE channel NOT IN (SELECT value FROM json_each(?))'),
    dropChannels: database.prepare('DELETE FROM channels WHERE name NOT IN (SELECT value FROM json_each(?))'),
    listChannels: database.prepare('SELECT * FROM channels ORDER BY name'),
    putChannel: database.prepare('INSERT OR REPLACE INTO channels VALUES (?, ?, ?, ?, ?)'),
  };
}

function parametersOf(alert: AlertOfRun) {
  return {
    $id: alert.id,
    $host: alert.host,
    $symptom: alert.symptom,
    $severity: alert.severity,
    $detail: alert.detail,
    $suggestedFix: alert.suggestedFix,
    $state: alert.state,
    $firstAt: alert.firstAt,
    $lastAt: alert.lastAt,
    $resolvedAt: alert.resolvedAt,
    $goodRuns: alert.goodRuns,
    $suppressedBy: alert.suppressedBy,
    $silencedBy: alert.silencedBy,
    $notifiedAt: alert.notifiedAt,
  };
}

// The tables hold only what this class wrote from typed values.
function toAlert(row: Row): Alert {
  const acknowledgedAt = textOrNull(row['acknowledged_at']);
  return {
    id: String(row['id']),
    host: String(row['host']),
    symptom: String(row['symptom']) as Alert['symptom'],
    severity: String(row['severity']) as Alert['severity'],
    detail: String(row['detail']),
    suggestedFix: String(row['suggested_fix']),
    state: String(row['state']) as Alert['state'],
    firstAt: String(row['first_at']),
    lastAt: String(row['last_at']),
    resolvedAt: textOrNull(row['resolved_at']),
    goodRuns: Number(row['good_runs']),
    suppressedBy: textOrNull(row['suppressed_by']) as Alert['suppressedBy'],
    silencedBy: textOrNull(row['silenced_by']),
    notifiedAt: textOrNull(row['notified_at']),
    acknowledged:
      acknowledgedAt === null
        ? null
        : { at: acknowledgedAt, by: String(row['acknowledged_by']), reason: String(row['acknowledged_reason']) },
  };
}

function toSilence(row: Row): Silence {
  return {
    id: String(row['id']),
    host: textOrNull(row['host']),
    symptom: textOrNull(row['symptom']) as Silence['symptom'],
    reason: String(row['reason']),
    by: String(row['made_by']),
    createdAt: String(row['created_at']),
    expiresAt: String(row['expires_at']),
  };
}

function toNotification(row: Row): Notification {
  return {
    channel: String(row['channel']),
    alertId: String(row['alert_id']),
    kind: String(row['kind']) as NotificationKind,
    queuedAt: String(row['queued_at']),
  };
}

function toChannel(row: Row): Channel {
  return {
    name: String(row['name']),
    failures: Number(row['failures']),
    nextTryAtMs: Number(row['next_try_at_ms']),
    lastError: textOrNull(row['last_error']),
    lastSentAt: textOrNull(row['last_sent_at']),
  };
}

function textOrNull(value: SQLOutputValue | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}
