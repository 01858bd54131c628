// Port: what each host last said of itself: heartbeats of its shipper and reports of its doctor. The last one replaces the one before.

/** The last heartbeat of one boot of one machine under one host's name: two machines under one name stay apart. */
export interface Heartbeat {
  hostId: string;
  machine: string;
  bootId: string;
  /** When this receiver got it, as clock.ts writes it. */
  receivedAtWall: string;
  /** As the host sent it. */
  body: Readonly<Record<string, unknown>>;
}

export interface HealthReport {
  hostId: string;
  receivedAtWall: string;
  /** The bytes that the host sent: one JSON object. */
  content: Uint8Array;
}

export interface HostState {
  /** Replaces what the same host, machine and boot said before; of each host the 16 that were received last are kept. Expendable. Throws `disk-full` or `sync-failed`. */
  putHeartbeat(heartbeat: Heartbeat): Promise<void>;
  /** By host, and those of one host in the order of their receipt, whatever their times: the last one of a host is its last. */
  listHeartbeats(): Promise<Heartbeat[]>;
  /** Durable when it resolves; readers see the old report or the new, whole. The store gives the time. Throws `disk-full`. */
  putReport(hostId: string, content: Uint8Array): Promise<{ receivedAtWall: string }>;
  /** Undefined when the host has never sent one. Throws `report-damaged` for what is no JSON object or cannot be read. */
  getReport(hostId: string): Promise<HealthReport | undefined>;
  /** By host; one report in memory at a time. What is damaged, or of no host, is left out and told once in the log. */
  listReports(): AsyncIterable<HealthReport>;
}
