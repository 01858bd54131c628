// Port: what each host last said of itself: heartbeats of its shipper and reports of its doctor. The last one replaces the one before.

/** One heartbeat as it came. */
export interface NewHeartbeat {
  hostId: string;
  machine: string;
  bootId: string;
  /** When this receiver got it, as clock.ts writes it. */
  receivedAtWall: string;
  /** As the host sent it. */
  body: Readonly<Record<string, unknown>>;
}

/** The last heartbeat of one boot of one machine under one host's name: two machines under one name stay apart. */
export interface Heartbeat extends NewHeartbeat {
  /** When this receiver got the first one of the same host, machine and boot, as far as they are kept. */
  firstReceivedAtWall: string;
}

export interface HealthReport {
  hostId: string;
  receivedAtWall: string;
  /** The bytes that the host sent: one JSON object. */
  content: Uint8Array;
}

/** What a program beside the receiver may do with it: then every call throws `cannot-read` for what cannot be read as a whole. */
export interface HostStateReader {
  /** By host, and those of one host in the order of their receipt, whatever their times: the last one of a host is its last. */
  listHeartbeats(): Promise<Heartbeat[]>;
  /** By host; one report in memory at a time. What is damaged, or of no host, is left out and told once in the log. */
  listReports(): AsyncIterable<HealthReport>;
}

export interface HostState extends HostStateReader {
  /** Replaces what the same host, machine and boot said before; of each host the 16 that were received last are kept. Expendable. Throws `disk-full` or `sync-failed`. */
  putHeartbeat(heartbeat: NewHeartbeat): Promise<void>;
  /** Durable when it resolves; readers see the old report or the new, whole. The store gives the time. Throws `disk-full`. */
  putReport(hostId: string, content: Uint8Array): Promise<{ receivedAtWall: string }>;
  /** Undefined when the host has never sent one. Throws `report-damaged` for what is no JSON object or cannot be read. */
  getReport(hostId: string): Promise<HealthReport | undefined>;
}
