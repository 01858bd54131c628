// Random SIGKILLs of a receiver and several shippers while episodes are recorded and shipped, with the nothing-lost check after each.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { publishEpisode } from '../support/episodes.ts';
import { GOOD_COMMIT, STALE_COMMIT, TestFleet, type TestHost } from '../support/fleet.ts';
import { checkNothingLost, namesIn, type Published } from '../support/nothing-lost.ts';
import { eventually, type Program } from '../support/program.ts';
import { seededRandom } from './seeded-random.ts';

export interface RandomKillsOptions {
  root: string;
  kills: number;
  seed: number;
  hosts: number;
  /** Called after each kill, for people. */
  onKill?: (line: string) => void;
}

export interface RandomKillsResult {
  published: number;
  stored: number;
  quarantined: number;
  killed: Record<string, number>;
  /** Empty when nothing was ever lost, doubled or changed. */
  faults: string[];
}

interface Recorded extends Published {
  commit: string;
}

// Between a start and a kill: from within the program's own start to well into its work.
const LONGEST_LIFE_MS = 1_200;
const LARGEST_FILE_BYTES = 1024 * 1024;

/** Throws when the fleet does not converge by itself after the last kill. */
export async function randomKills({
  root,
  kills,
  seed,
  hosts,
  onKill,
}: RandomKillsOptions): Promise<RandomKillsResult> {
  const random = seededRandom(seed);
  const fleet = await TestFleet.create(root);
  // Every second one sends by resumable uploads what is not tiny.
  const keysOf = (index: number) => (index % 2 === 1 ? 'resumable_above = "4 KiB"' : '');
  const labHosts = Array.from({ length: hosts }, (_, index) => fleet.addHost(`lab-${index + 1}`, keysOf(index)));
  const published: Recorded[] = [];
  const programs = new Map<string, { start: () => Program; running: Program }>();
  const add = (name: string, start: () => Program) => programs.set(name, { start, running: start() });
  const killed: Record<string, number> = {};
  const faults: string[] = [];
  try {
    add('receiver', () => fleet.spawnReceiver());
    for (const host of labHosts) add(`shipper of ${host.hostId}`, () => fleet.startShipper(host));

    for (let kill = 1; kill <= kills && faults.length === 0; kill += 1) {
      publishSome(labHosts, published, random);
      await new Promise((resolve) => setTimeout(resolve, random() * LONGEST_LIFE_MS));
      const names = [...programs.keys()];
      const name = names[Math.floor(random() * names.length)] ?? 'receiver';
      const victim = programs.get(name);
      if (!victim) throw new Error(`no program ${name}`);
      await victim.running.kill();
      killed[name] = (killed[name] ?? 0) + 1;
      const others = [...programs].filter(([other]) => other !== name).map(([, program]) => program.running);
      // The others stand still while the disk is looked at, so that it is one moment that is judged.
      await Promise.all(others.map((other) => other.standStill()));
      const report = await checkNothingLost(fleet.store, published);
      faults.push(...report.faults.map((fault) => `after kill ${kill} (${name}): ${fault}`));
      for (const other of others) other.signal('SIGCONT');
      victim.running = victim.start();
      onKill?.(`${kill}/${kills}  ${name}  ${published.length} published, ${report.stored} stored`);
    }

    const allSettled = () => labHosts.every((host) => readdirSync(join(host.data, 'episodes')).length === 0);
    if (faults.length === 0) await eventually(allSettled, 'every episode is shipped or in quarantine');
  } finally {
    for (const { running } of programs.values()) await running.stop();
  }
  const report = await checkNothingLost(fleet.store, published, true);
  faults.push(...report.faults, ...leftovers(fleet, labHosts), ...misplaced(published));
  const quarantined = labHosts.reduce((sum, host) => sum + namesIn(join(host.data, 'quarantine')).length, 0);
  return { published: published.length, stored: report.stored, quarantined, killed, faults };
}

/** One to four new episodes, one in ten of them of stale code. */
function publishSome(hosts: readonly TestHost[], published: Recorded[], random: () => number): void {
  const count = 1 + Math.floor(random() * 4);
  for (let made = 0; made < count; made += 1) {
    const host = hosts[Math.floor(random() * hosts.length)];
    if (!host) throw new Error('no hosts');
    const episodeId = `ep-${String(published.length + 1).padStart(5, '0')}`;
    const content = randomContent(random, Math.floor(random() ** 4 * LARGEST_FILE_BYTES));
    const commit = random() < 0.1 ? STALE_COMMIT : GOOD_COMMIT;
    const manifest = publishEpisode(host.data, host.hostId, {
      episodeId,
      commit,
      files: { 'data.bin': content, 'logs/out.txt': `episode ${episodeId}\n` },
    });
    published.push({ host, episodeId, manifest, commit });
  }
}

function randomContent(random: () => number, sizeBytes: number): Uint8Array {
  const content = new Uint8Array(sizeBytes);
  for (let index = 0; index < sizeBytes; index += 1) content[index] = random() * 256;
  return content;
}

/** Good code's episodes are shipped, and only stale code's are in quarantine. */
function misplaced(published: readonly Recorded[]): string[] {
  return published.flatMap(({ host, episodeId, commit }) => {
    const place = commit === STALE_COMMIT ? 'quarantine' : 'shipped';
    return namesIn(join(host.data, place)).includes(episodeId)
      ? []
      : [`${host.hostId}/${episodeId} is not in ${place}/`];
  });
}

/** What a converged fleet must not have any more. */
function leftovers(fleet: TestFleet, hosts: readonly TestHost[]): string[] {
  const places = [
    join(fleet.store, 'incoming'),
    ...hosts.flatMap(({ data }) => [join(data, 'episodes'), join(data, 'outbox')]),
  ];
  return places.flatMap((place) => namesIn(place).map((name) => `${place} still holds ${name}`));
}
