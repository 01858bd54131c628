// What fires, and which hosts are retired, at hand for views that are asked for often: read anew at most once a second, because the
// monitor and commands on this machine write it beside the receiver, and at once after a decision that came through here.

import type { Clock } from '../../lib/clock.ts';
import type { OpenAlert } from '../../protocol/answers.ts';
import type { Control, RetiredHost } from '../../storage/control.ts';
import type { MonitorState } from '../../storage/monitor-state.ts';
import type { LiveEvents } from '../events/live-events.ts';
import { describeOpenAlert } from './describe-alert.ts';

const REMEMBERED_MS = 1_000;

export interface AlertBoardDependencies {
  monitorState: Pick<MonitorState, 'firingAlerts' | 'listSilences'>;
  control: Pick<Control, 'listRetiredHosts'>;
  clock: Clock;
  /** Told of decisions; tells of what others have changed. */
  live?: Pick<LiveEvents, 'alertsChanged' | 'beforeAlerts'>;
}

export interface Board {
  /** By host, and by symptom within it; those of the fleet as a whole under `*`. */
  alertsOf(hostId: string): readonly OpenAlert[];
  retired: ReadonlyMap<string, RetiredHost>;
}

export class AlertBoard {
  readonly #dependencies: AlertBoardDependencies;
  #last: { atMs: number; board: Promise<Board> } | undefined;

  constructor(dependencies: AlertBoardDependencies) {
    this.#dependencies = dependencies;
    dependencies.live?.beforeAlerts(() => {
      this.#last = undefined;
    });
  }

  /** Throws as the storage does: nothing old is shown for new. */
  async now(): Promise<Board> {
    const nowMs = this.#dependencies.clock.monotonicMs();
    if (!this.#last || nowMs - this.#last.atMs >= REMEMBERED_MS) this.#last = { atMs: nowMs, board: this.#read() };
    return await this.#last.board;
  }

  /** A decision is durable that whoever took it wants to see. */
  changed(): void {
    this.#last = undefined;
    this.#dependencies.live?.alertsChanged();
  }

  async #read(): Promise<Board> {
    const { monitorState, control, clock } = this.#dependencies;
    const now = clock.wallTime();
    const [alerts, silences, retired] = await Promise.all([
      monitorState.firingAlerts(),
      monitorState.listSilences(now),
      control.listRetiredHosts(),
    ]);
    const byHost = new Map<string, OpenAlert[]>();
    for (const alert of alerts) {
      byHost.getOrInsertComputed(alert.host, () => []).push(describeOpenAlert(alert, silences, now));
    }
    return {
      alertsOf: (hostId) => byHost.get(hostId) ?? [],
      retired: new Map(retired.map((host) => [host.hostId, host])),
    };
  }
}
