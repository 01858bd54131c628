// An episode that our own workload recorded and our own shipper packed, of a machine whose /proc was made up: its counters have a shape
// that can be told from another in a chart.

import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { dataLayout, makeDataDirectories } from '../../../../src/lab-host/data-layout.ts';
import { packEpisode } from '../../../../src/lab-host/shipper/pack-episode.ts';
import { runTelemetry } from '../../../../src/lab-host/telemetry/app.ts';
import { noStepObserver } from '../../../../src/lib/after-step.ts';
import { type Clock, formatWallTime } from '../../../../src/lib/clock.ts';
import type { EpisodeMeta } from '../../../../src/protocol/episode-meta.ts';
import { sha256 } from '../../../support/episodes.ts';
import { makeDirectory } from '../../../support/temporary-directory.ts';

export interface TelemetryEpisode {
  hostId: string;
  episodeId: string;
  commit: string;
  /** A wall time. */
  startedAt: string;
  durationS?: number;
}

/** The tarball's bytes. */
export async function recordTelemetry(episode: TelemetryEpisode): Promise<Buffer> {
  const { hostId, episodeId, commit, startedAt, durationS = 120 } = episode;
  const root = makeDirectory();
  const layout = dataLayout(join(root, 'data'));
  await makeDataDirectories(layout);
  const directory = join(layout.episodes, episodeId);
  mkdirSync(directory);
  const procRoot = join(root, 'proc');
  const clock = machineClock(startedAt, (secondsUp) => writeProc(procRoot, secondsUp));
  const stop = new AbortController().signal;
  await runTelemetry({ durationS, ratePerS: 1, outputDirectory: directory, procRoot, stop, clock });
  writeFileSync(join(directory, 'stdout.log'), '');
  writeFileSync(join(directory, 'stderr.log'), '');
  const meta: EpisodeMeta = {
    episode_id: episodeId,
    host_id: hostId,
    schema_version: '1',
    workload: 'telemetry',
    started_at_wall: startedAt,
    ended_at_wall: clock.wallTime(),
    duration_s: durationS,
    exit: { code: 0, signal: null, timed_out: false },
    code_version: { commit, dirty: false, stamped_at_wall: null },
    files: readdirSync(directory).map((path) => ({
      path,
      bytes: statSync(join(directory, path)).size,
      sha256: sha256(readFileSync(join(directory, path))),
    })),
  };
  writeFileSync(join(directory, 'meta.json'), `${JSON.stringify(meta, null, 2)}\n`);
  const dependencies = { layout, zstdLevel: 3, afterStep: noStepObserver, onWork: () => undefined };
  const { packed } = await packEpisode(dependencies, episodeId, stop);
  return readFileSync(packed.tarballPath);
}

/** Where a receiver keeps it. */
export function placeTarball(store: string, hostId: string, episodeId: string, bytes: Uint8Array): void {
  const path = join(store, 'episodes', hostId, `${episodeId}.tar.zst`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes, { mode: 0o444 });
}

/** Time passes in sleep alone, and with it the machine's counters. */
function machineClock(startedAt: string, onTime: (secondsUp: number) => void): Clock {
  const start = Temporal.Instant.from(startedAt);
  let passedMs = 0;
  onTime(0);
  return {
    wallTime: () => formatWallTime(start.add({ milliseconds: passedMs })),
    monotonicMs: () => 5_000_000 + passedMs,
    sleep: async (ms) => {
      passedMs += Math.round(ms);
      onTime(passedMs / 1000);
    },
  };
}

function writeProc(procRoot: string, second: number): void {
  const { busy, memory, network, disk } = loadUntil(second);
  const file = (name: string, text: string) => {
    mkdirSync(dirname(join(procRoot, name)), { recursive: true });
    writeFileSync(join(procRoot, name), text);
  };
  const pressure = (percent: number, totalUs: number) =>
    `some avg10=${percent.toFixed(2)} avg60=0.10 avg300=0.05 total=${Math.round(totalUs)}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n`;
  file(
    'stat',
    `cpu  ${Math.round(busy)} 0 ${Math.round(busy / 4)} ${Math.round(90_000 + second * 400 - busy)} 12 0 3 0 0 0\n`,
  );
  file('meminfo', `MemTotal: 8052000 kB\nMemAvailable: ${memory} kB\nSwapTotal: 1048576 kB\nSwapFree: 1048576 kB\n`);
  file('diskstats', `   8       0 sda 100 0 ${Math.round(disk / 3)} 10 100 0 ${Math.round(disk)} 10 0 10 10\n`);
  file(
    'net/dev',
    `Inter-|\n face |\n  eth0: ${Math.round(network)} 1 0 0 0 0 0 0 ${Math.round(network / 9)} 1 0 0 0 0 0 0\n`,
  );
  file('loadavg', `${(0.4 + Math.sin(second / 19) * 0.3).toFixed(2)} 0.52 0.61 1/200 4242\n`);
  for (const [place, name] of ['cpu', 'memory', 'io'].entries()) {
    const percent = Math.max(0, Math.sin(second / 11 - place)) * (4 - place);
    file(`pressure/${name}`, pressure(percent, busy * (9_000 - 4_000 * place)));
  }
}

/** Counters since the machine came up: a burst of work in the middle of the recording. */
function loadUntil(second: number) {
  let [busy, network, disk] = [0, 0, 0];
  for (let at = 0; at <= second; at += 1) {
    const burst = Math.exp(-(((at - 60) / 18) ** 2));
    busy += 22 + 180 * burst + 12 * Math.sin(at / 3);
    network += 40_000 + 2_400_000 * burst + 30_000 * (1 + Math.sin(at / 5));
    disk += 300 + 5_000 * (at % 20 === 0 ? 1 : 0);
  }
  return { busy, network, disk, memory: 6_100_000 - Math.round(900_000 * Math.exp(-(((second - 70) / 25) ** 2))) };
}
