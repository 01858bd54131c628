// When a symptom counts. The names are those of the keys of [fleet.monitor] in receiver.toml, where each has its default and its meaning.

export interface Thresholds {
  lookback_hours: number;
  silent_threshold_min: number;
  recent_window_min: number;
  /** (4xx + 5xx) ÷ all, 0 to 1. */
  fatal_ratio_threshold: number;
  fatal_min_count: number;
  heartbeat_fresh_s: number;
  never_seen_after_s: number;
  /** Of the window: 0.8 of 100 commits is a distance of 80. */
  stale_code_ratio: number;
  backlog_oldest_s: number;
  /** Episodes within 24 hours. */
  quarantine_growth: number;
  doctor_max_age_s: number;
  clock_skew_s: number;
  /** Of the hosts that stored within the lookback. */
  fleet_silent_ratio: number;
  update_lag_s: number;
}
