// Port: what the monitor must not forget, and what keeps two of its runs apart.

export interface MonitorState {
  /** True for exactly one caller ever, whatever process it is in; durable when it resolves. Throws `disk-full` or `database-busy`. */
  claim(dedupKey: string): Promise<boolean>;
  /**
   * True when `holder` has the lease from `nowMs` (wall clock, milliseconds since 1970) for `ttlMs`: it was free, had run out, or was
   * the holder's own and is renewed. A clock that was set back by more than the lease's length frees it too.
   */
  lease(name: string, holder: string, ttlMs: number, nowMs: number): Promise<boolean>;
  close(): Promise<void>;
}
