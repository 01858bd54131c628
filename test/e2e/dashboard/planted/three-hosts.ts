// Three hosts with three months behind them: one is well and records telemetry, one fell silent, one is refused because of its stale code.

import type { NewLedgerRow } from '../../../../src/storage/ledger.ts';
import { openReleases, type Storage } from '../../../../src/storage/open-storage.ts';
import type { History } from '../../../support/dashboard-fleet.ts';
import { sha256 } from '../../../support/episodes.ts';
import { COMMITS, commitAt, GATE_KEYS, OLD_COMMIT, Past, steps } from './past.ts';
import { placeTarball, recordTelemetry } from './telemetry-episode.ts';

export const WELL = 'lab-01';
export const SILENT = 'lab-02';
export const REFUSED = 'lab-03';
const HOSTS = [WELL, SILENT, REFUSED];

const SILENT_SINCE_MIN = 5 * 60;
const REFUSED_SINCE_MIN = 3 * 60;

export async function threeHosts(): Promise<History & { telemetry: string }> {
  const past = new Past();
  const telemetry = past.episodeId(4);
  const tarball = await recordTelemetry({
    hostId: WELL,
    episodeId: telemetry,
    commit: commitAt(0),
    startedAt: past.at(6),
  });
  const shown = { hostId: WELL, minutesAgo: 4, digest: sha256(tarball), sizeBytes: tarball.byteLength };
  return {
    telemetry,
    keys: `${GATE_KEYS}[fleet]\nexpected_hosts = ${JSON.stringify(HOSTS)}\n`,
    rows: [...history(past), past.row(shown)].toSorted(byTime),
    plant: async (storage, store) => {
      placeTarball(store, WELL, telemetry, tarball);
      await plantReports(storage, store, past);
      await plantDecisions(storage, store, past);
    },
  };
}

export function byTime(one: NewLedgerRow, other: NewLedgerRow): number {
  return one.received_at_wall < other.received_at_wall ? -1 : 1;
}

function history(past: Past): NewLedgerRow[] {
  const beginsMinutesAgo: Record<string, number> = {
    [WELL]: 9,
    [SILENT]: SILENT_SINCE_MIN,
    [REFUSED]: REFUSED_SINCE_MIN,
  };
  return HOSTS.flatMap((hostId, number) => {
    const ends = beginsMinutesAgo[hostId] ?? 0;
    // Each quarter of an hour of the last day, and some of each day before, now more and now less.
    const lately = steps(24 * 60 - ends, 15 - number * 2).map((minutes) => ends + minutes);
    const before = steps(85, 1).flatMap((day) =>
      steps(24 * 60, 15 + day * 0.8 + 5 * Math.sin(day / 3 + number)).map((minutes) => (day + 1) * 24 * 60 + minutes),
    );
    return [...lately, ...before].map((minutesAgo) => {
      const age = Math.floor(minutesAgo / (2 * 24 * 60));
      return past.row({ hostId, minutesAgo, commit: hostId === REFUSED ? OLD_COMMIT : commitAt(age + number * 2) });
    });
  });
}

async function plantReports({ hostState, attempts }: Storage, store: string, past: Past): Promise<void> {
  await hostState.putHeartbeat(past.heartbeat(WELL, 2));
  await hostState.putHeartbeat(
    past.heartbeat(SILENT, SILENT_SINCE_MIN - 2, { version: { commit: commitAt(2), dirty: false } }),
  );
  const refusal = { code: 'commit-not-in-window' };
  await hostState.putHeartbeat(
    past.heartbeat(REFUSED, 3, {
      version: { commit: OLD_COMMIT, dirty: false },
      backlog: { episodes: 3, bytes: 640_000, oldest_s: 540 },
      quarantine: { episodes: 41, recent: { episodes: 12, without_asking: 10, ...refusal } },
      update: {
        source: 'git',
        result: 'failed',
        commit: OLD_COMMIT,
        target: commitAt(0),
        at_wall: past.at(20),
        detail: 'fatal: unable to access the repository',
        failures: 2,
      },
      free_bytes: 3_120_562_176,
    }),
  );
  past.report(store, WELL, 9 * 60);
  past.report(store, SILENT, 14 * 60, { disk: ['yellow', '/var/lib/cis490 is 87 % full'] });
  past.report(store, REFUSED, 7 * 60, {
    gate: ['red', `the gate refuses ${OLD_COMMIT.slice(0, 10)}: commit-not-in-window`],
    version: ['red', 'VERSION is 88 commits behind the head'],
    'shipping-errors': ['red', '12 ship(s) rejected as out-of-window'],
    quarantine: ['yellow', '41 episodes'],
  });
  await attempts.add([
    ...past.attempts(REFUSED, 'commit-not-in-window', 2, ...steps(REFUSED_SINCE_MIN, 5)),
    ...past.attempts(REFUSED, 'commit-missing', 1, 400, 405, 410),
    ...past.attempts(SILENT, 'digest-mismatch', 1, 700),
    ...past.attempts(WELL, 'disk-reserve', 3, 900, 901, 902),
  ]);
}

async function plantDecisions({ control, rollOuts, monitorState }: Storage, store: string, past: Past): Promise<void> {
  const by = 'token t-0ad41400';
  const until = past.at(-95);
  await control.putGateOverride({
    kind: 'allowed',
    commit: commitAt(40),
    until,
    why: 'the calibration run of May',
    by,
  });
  await control.putGateOverride({ kind: 'blocked', commit: commitAt(7), why: 'it wrote the temperature in °F', by });
  await publish(store, 41, commitAt(1), 900_000);
  await publish(store, 42, commitAt(0), 910_000);
  await rollOuts.put({ commit: commitAt(1), percent: 100, paused: false, decidedAt: past.at(3_000), by });
  await rollOuts.put({ commit: commitAt(0), percent: 25, paused: false, decidedAt: past.at(300), by });
  const resolved = { state: 'resolved' as const, goodRuns: 2 };
  await monitorState.applyRun({
    alerts: [
      past.alert(WELL, 'clock-skew', {
        ...resolved,
        minutesAgo: 4_000,
        resolvedAt: past.at(3_800),
        detail: 'its clock is 4 min behind',
      }),
      past.alert(SILENT, 'silent', {
        ...resolved,
        minutesAgo: 9_000,
        resolvedAt: past.at(8_700),
        detail: 'nothing stored for 41 min',
      }),
      past.alert(REFUSED, 'backlog', {
        ...resolved,
        minutesAgo: 12_000,
        resolvedAt: past.at(11_000),
        detail: '212 episodes wait, the oldest for 3 h',
      }),
    ],
    notifications: [],
    memory: '',
    ranAt: past.at(6),
    forgetResolvedBefore: '',
  });
  await monitorState.putSilence({
    id: '51e9ce00',
    host: SILENT,
    symptom: 'backlog',
    reason: 'its disk is copied this week',
    by,
    createdAt: past.at(600),
    expiresAt: past.at(-2_000),
  });
}

/** For both platforms, of a few bytes. */
async function publish(store: string, number: number, commit: string, sizeBytes: number): Promise<void> {
  const releases = openReleases(store);
  const content = Buffer.alloc(sizeBytes, `release ${number}`);
  const staged = await releases.stage(
    (['linux-x64', 'linux-arm64'] as const).map((platform) => ({
      release: { release_number: number, commit, platform, sha256: sha256(content), bytes: sizeBytes, signatures: [] },
      content: (async function* () {
        yield content;
      })(),
    })),
  );
  await staged.publish();
}

/** What a test may put as the newest code. */
export const HEAD = COMMITS[0] ?? '';
