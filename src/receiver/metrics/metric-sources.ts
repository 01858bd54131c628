// What the metrics are read from at each scrape, and the form of one part of them.

import type { BlobStore } from '../../storage/blob-store.ts';
import type { Control } from '../../storage/control.ts';
import type { Ledger } from '../../storage/ledger.ts';
import type { MonitorState } from '../../storage/monitor-state.ts';
import type { AlertBoard } from '../alerts/alert-board.ts';
import type { LiveAuthority } from '../certificates/live-authority.ts';
import type { FleetSources } from '../fleet/read-fleet.ts';
import type { Room } from '../ingest/room.ts';
import type { ReceiverConfig } from '../receiver-config.ts';
import type { UnfinishedUploads } from '../uploads/unfinished-uploads.ts';
import type { Family, Sample } from './families.ts';
import type { PutMeters } from './put-meters.ts';

export interface MetricSources extends FleetSources {
  alertBoard: AlertBoard;
  authority: LiveAuthority;
  /** The file that a backup touches as it ends well, where one is watched. */
  backupStamp: string | undefined;
  blobs: BlobStore;
  control: Control;
  ledger: Ledger;
  listen: ReceiverConfig['listen'];
  monitorState: MonitorState;
  puts: PutMeters;
  room: Room;
  unfinished: UnfinishedUploads;
}

/** One part: when it cannot be read, the others are told all the same. */
export interface Collector<Name extends string> {
  families: Readonly<Record<Name, Family>>;
  read(sources: MetricSources): Promise<Iterable<Sample<Name>>>;
}

/** For its types alone. */
export function defineCollector<Name extends string>(collector: Collector<Name>): Collector<Name> {
  return collector;
}

/** Seconds since 1970 of a wall time as clock.ts writes it. */
export function secondsOf(wallTime: string | null | undefined): number | undefined {
  return wallTime ? Date.parse(wallTime) / 1000 : undefined;
}
