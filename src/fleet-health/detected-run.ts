// What a run hands over once its rows are durable in alerts.jsonl: the states of the alerts, who is told, and what is remembered
// follow from it. Nothing of it changes a row.

import type { Symptom } from '../protocol/alert.ts';
import type { Finding } from './observed.ts';

export interface DetectedRun {
  /** Milliseconds since 1970: the system's time, or what `--now` says. */
  nowMs: number;
  /** The same, as clock.ts writes it. */
  nowWall: string;
  /** All that is so now, whether its row was written in this hour before or not; by host, then in the symptoms' order. Nothing of retired hosts. */
  findings: readonly Finding[];
  /** What it could not tell of a host was neither found nor gone: such an alert stays as it is. */
  canTell: (host: string, symptom: Symptom) => boolean;
  /** Hosts that emit nothing any more. */
  retired: ReadonlySet<string>;
  /** All sources were read and all rows written: only then is it a good run. */
  isWhole: boolean;
  /** What the next run is to remember: goes into `RunChange.memory` as it is. */
  memory: string;
}
