// Port: to how much of the fleet each release goes, as the maintainer decided. Kept with the other decisions in control.db.
// Every call is durable when it resolves; all throw `disk-full` or `database-busy`.

export interface RollOut {
  commit: string;
  /** Of the fleet, 0 to 100. */
  percent: number;
  /** A roll-out that is paused goes to nobody whom it had not been decided for: hosts are answered the last release for all. */
  paused: boolean;
  decidedAt: string;
  by: string;
}

export interface RollOuts {
  /** Adds or replaces by commit. */
  put(rollOut: RollOut): Promise<void>;
  /** By commit. */
  list(): Promise<RollOut[]>;
  close(): Promise<void>;
}
