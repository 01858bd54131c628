// What the maintainer does with releases beside the running receiver: publish one, and say how far it goes.
// Order of a publication: bundles durable and unseen → how far it goes decided (durable) → seen.

import { statfs } from 'node:fs/promises';
import { AppError } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import { formatSize } from '../../lib/format-size.ts';
import type { Release } from '../../protocol/release.ts';
import { keyOf, type Releases } from '../../storage/releases.ts';
import type { RollOut, RollOuts } from '../../storage/roll-out.ts';
import { judgePublication, type Publication } from './judge-publication.ts';
import type { OfferedRelease } from './read-release-directory.ts';

const LEAST_DIGITS = 7;

export interface ReleaseDesk {
  releases: Releases;
  rollOuts: RollOuts;
  storeRoot: string;
  /** What the store keeps free for episodes. */
  minFreeBytes: number;
  clock: Clock;
  /** Who decides. */
  by: string;
}

/** A release with what was decided of it: undefined when nothing was. */
export interface ListedRelease {
  number: number;
  commit: string;
  bundles: Release[];
  rollOut: RollOut | undefined;
}

export interface Published {
  kind: 'published' | 'added' | 'unchanged';
  rollOut: RollOut;
}

/** `percent`: all where it is not given, or what was decided of this release before. Throws `bad-input`, `no-room`, and what staging throws. */
export async function publishRelease(
  desk: ReleaseDesk,
  offered: OfferedRelease,
  percent: number | undefined,
): Promise<Published> {
  const { releases } = desk;
  const tasks = await tasksFor(releases, offered);
  await requireRoom(desk, tasks);
  const staged = await releases.stage(
    tasks.map(({ release, task }) => ({ release, content: task === 'bundle' ? bytesOf(offered, release) : undefined })),
  );
  try {
    // Another publisher may have come first; from here on there is none.
    await tasksFor(releases, offered);
    const listed = (await listReleases(desk)).find(({ number }) => number === offered.number);
    const rollOut = await decide(desk, offered.commit, listed, percent);
    await staged.publish();
    if (tasks.length === 0) return { kind: 'unchanged', rollOut };
    return { kind: listed ? 'added' : 'published', rollOut };
  } catch (error) {
    await staged.discard();
    throw error;
  }
}

/** Throws `bad-input`. */
export async function setPercent(desk: ReleaseDesk, commitText: string, percent: number): Promise<RollOut> {
  const { commit, rollOut } = await findRelease(desk, commitText);
  return await put(desk, { commit, percent, paused: rollOut?.paused ?? false });
}

/** Without a commit the newest release. Throws `bad-input`. */
export async function setPaused(desk: ReleaseDesk, commitText: string | undefined, paused: boolean): Promise<RollOut> {
  const { commit, rollOut } = await findRelease(desk, commitText);
  if (rollOut?.paused === paused) return rollOut;
  return await put(desk, { commit, percent: rollOut?.percent ?? 0, paused });
}

/** The newest first. */
export async function listReleases({
  releases,
  rollOuts,
}: {
  releases: Pick<Releases, 'list'>;
  rollOuts: Pick<RollOuts, 'list'>;
}): Promise<ListedRelease[]> {
  const [all, decided] = await Promise.all([releases.list(), rollOuts.list()]);
  const byNumber = Map.groupBy(all.toReversed(), ({ release_number }) => release_number);
  return [...byNumber].map(([number, bundles]) => {
    const commit = bundles[0]?.commit ?? '';
    return { number, commit, bundles: bundles.toReversed(), rollOut: decided.find((one) => one.commit === commit) };
  });
}

async function tasksFor(releases: Releases, { bundles }: OfferedRelease): Promise<Publication[]> {
  const publications = judgePublication(
    await releases.list(),
    bundles.map(({ release }) => release),
  );
  const tasks: Publication[] = [];
  for (const { release, task } of publications) {
    // A bundle that was lost or damaged meanwhile is made good by publishing it once more.
    const isWhole = (await releases.bundleBytes(keyOf(release))) === release.bytes;
    if (!isWhole || task !== 'nothing') tasks.push({ release, task: isWhole ? task : 'bundle' });
  }
  return tasks;
}

/** A new number is a new decision, also of a commit that was published before. */
async function decide(
  desk: ReleaseDesk,
  commit: string,
  listed: ListedRelease | undefined,
  percent: number | undefined,
): Promise<RollOut> {
  const { rollOut } = listed ?? {};
  if (rollOut && percent === undefined) return rollOut;
  return await put(desk, { commit, percent: percent ?? 100, paused: rollOut?.paused ?? false });
}

async function put(
  { rollOuts, clock, by }: ReleaseDesk,
  decision: Pick<RollOut, 'commit' | 'percent' | 'paused'>,
): Promise<RollOut> {
  const rollOut = { ...decision, decidedAt: clock.wallTime(), by };
  await rollOuts.put(rollOut);
  return rollOut;
}

async function findRelease(desk: ReleaseDesk, text: string | undefined): Promise<ListedRelease> {
  const listed = await listReleases(desk);
  const start = text?.trim().toLowerCase() ?? '';
  const matches = text === undefined ? listed.slice(0, 1) : listed.filter(({ commit }) => commit.startsWith(start));
  const [newest] = matches;
  const isOne = new Set(matches.map(({ commit }) => commit)).size === 1;
  if (newest && isOne && (text === undefined || start.length >= LEAST_DIGITS)) return newest;
  const found = text === undefined ? 'no release is published' : `${JSON.stringify(text)} is not one published commit`;
  throw new AppError('bad-input', found, {
    hint: `see what is: cis490 release list; give at least the first ${LEAST_DIGITS} digits of its commit`,
  });
}

/** Hosts can wait for a release; episodes come first. */
async function requireRoom({ storeRoot, minFreeBytes }: ReleaseDesk, tasks: readonly Publication[]): Promise<void> {
  const bytes = tasks.reduce((sum, { release, task }) => sum + (task === 'bundle' ? release.bytes : 0), 0);
  const { bavail, bsize } = await statfs(storeRoot);
  if (bytes === 0 || bavail * bsize - bytes >= minFreeBytes) return;
  throw new AppError('no-room', `${formatSize(bytes)} more would take the store below its reserve`, {
    hint: `remove old releases (ls ${storeRoot}/releases) or make room: df -h ${storeRoot}`,
  });
}

async function* bytesOf({ bundles }: OfferedRelease, { platform }: Release): AsyncGenerator<Uint8Array> {
  const found = bundles.find(({ release }) => release.platform === platform);
  if (found) yield* found.bundle.createReadStream({ start: 0, autoClose: false });
}
