// Whether the gate still learns which commits are current.

import { defineCollector, secondsOf } from './metric-sources.ts';

export const gateCollector = defineCollector({
  families: {
    cis490_gate_enabled: { help: '1 while the version gate is on.' },
    cis490_gate_blind: {
      help: '1 while the last reading of its source failed, or while it knows no commit: it cannot refuse, and what it does not know is answered with 503.',
    },
    cis490_gate_last_refresh_timestamp_seconds: {
      help: 'When its branch was last confirmed; 0 when it never was. No series for a gate that is off or has its commits from the configuration.',
    },
    cis490_gate_window_commits: {
      help: 'How many commits of the branch are trusted. No series while the gate is off.',
    },
    cis490_gate_source_info: { help: 'Where the commits were learned: the value is always 1.', labels: ['source'] },
  },
  async read({ gate }) {
    const { enabled, source, refreshedAt, lastError, window } = await gate.status();
    const isBlind = enabled && (lastError !== null || !gate.isKnown());
    const isRead = enabled && source !== 'static';
    return [
      ['cis490_gate_enabled', enabled ? 1 : 0],
      ['cis490_gate_blind', isBlind ? 1 : 0],
      ['cis490_gate_last_refresh_timestamp_seconds', isRead ? (secondsOf(refreshedAt) ?? 0) : undefined],
      ['cis490_gate_window_commits', window],
      ['cis490_gate_source_info', source === null ? undefined : 1, { source: source ?? '' }],
    ] as const;
  },
});
