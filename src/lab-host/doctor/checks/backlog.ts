// How long the oldest finished episode waits, whether anybody works on it, and whether it says which commit made it.

import { join } from 'node:path';
import { z } from 'zod';
import { lstatIfThere } from '../../../lib/is-there.ts';
import { type CheckResult, green, red, yellow } from '../../../lib/self-check/check-result.ts';
import { MAX_META_BYTES, META_FILE, readMetaStamp } from '../../../protocol/episode-meta.ts';
import type { Check } from '../check.ts';
import { directoriesIn } from '../directories-in.ts';
import type { DoctorContext } from '../doctor-context.ts';
import { readSmallFile, readSmallJson } from '../read-small-json.ts';
import { inDays, nowMsOf } from '../times.ts';
import { LOOK_LIMIT_MS } from './receiver-layers.ts';

// Of the oldest ones only; a backlog of thousands has the same cure.
const MOST_STAMPS_READ = 500;
// The shipper notes how long it has run every ten minutes, with its state unchanged, too.
const UPTIME_SLACK_MS = 60_000;

const stateSchema = z.looseObject({
  trouble: z.looseObject({ kind: z.string(), code: z.string() }).nullish().catch(undefined),
});

interface Waiting {
  name: string;
  finishedAtMs: number;
}

export const backlogCheck: Check<'backlog'> = {
  id: 'backlog',
  timeoutMs: LOOK_LIMIT_MS,
  async run(context) {
    const { config, clock, cures } = context;
    const { backlog_red_s, backlog_yellow_s } = config.doctor;
    const waiting = await oldestFirst(context.layout.episodes);
    const trouble = await troubleOf(context);
    const oldestMs = waiting[0] === undefined ? 0 : Math.max(0, nowMsOf(clock) - waiting[0].finishedAtMs);
    const oldest = `${waiting.length} wait, the oldest for ${inDays(oldestMs)}`;
    const told = `${waiting.length === 0 ? 'nothing waits' : oldest}${trouble ? `; ${trouble}` : ''}`;
    const status = cures.cis490('shipper status');
    const mend = [status, cures.cis490('shipper --ping'), 'sudo systemctl restart cis490-shipper'];
    if (oldestMs >= backlog_red_s * 1000) return red(told, ...mend);
    const unstamped = await howManyUnstamped(waiting, context);
    if (unstamped > 0)
      return yellow(
        `${told}; ${unstamped} without a stamped commit, which the gate refuses`,
        cures.cis490('quarantine-unstamped --dry-run'),
        cures.cis490('quarantine-unstamped'),
      );
    if (oldestMs >= backlog_yellow_s * 1000) return yellow(told, ...mend);
    return (await silentShipper(context, told)) ?? (trouble && waiting.length > 0 ? yellow(told, status) : green(told));
  },
};

/** As the shipper has it: a directory's own time is when it was published. */
async function oldestFirst(episodes: string): Promise<Waiting[]> {
  const waiting: Waiting[] = [];
  for (const name of await directoriesIn(episodes)) {
    const finishedAtMs = await writtenAtMs(join(episodes, name));
    // Shipped meanwhile, or a name that is not UTF-8, to which no path leads.
    if (finishedAtMs !== undefined) waiting.push({ name, finishedAtMs });
  }
  return waiting.sort((a, b) => a.finishedAtMs - b.finishedAtMs);
}

async function troubleOf({ layout }: DoctorContext): Promise<string | undefined> {
  const trouble = stateSchema.safeParse(await readSmallJson(layout.stateFile)).data?.trouble;
  return trouble ? `the shipper says: ${trouble.kind}, ${trouble.code}` : undefined;
}

async function howManyUnstamped(waiting: readonly Waiting[], { layout, receiver }: DoctorContext): Promise<number> {
  if (waiting.length === 0) return 0;
  const ping = await receiver.ping();
  const gate =
    ping.kind === 'reached' ? z.object({ enabled: z.boolean() }).safeParse(ping.value.body['gate']) : undefined;
  // A gate that is off takes such episodes, too; of one that is not known nothing may be put aside.
  if (gate?.data?.enabled !== true) return 0;
  let unstamped = 0;
  for (const { name } of waiting.slice(0, MOST_STAMPS_READ)) {
    const metaText = await readSmallFile(join(layout.episodes, name, META_FILE), MAX_META_BYTES);
    if (readMetaStamp(metaText ?? '').commit === undefined) unstamped += 1;
  }
  return unstamped;
}

/** An idle shipper leaves its state as it is, and still notes how long it has run: when both are old, nobody is at work. */
async function silentShipper({ layout, config, clock }: DoctorContext, told: string): Promise<CheckResult | undefined> {
  const look = ['systemctl status cis490-shipper', 'sudo systemctl restart cis490-shipper'];
  const [stateMs, uptimeMs] = await Promise.all([layout.stateFile, layout.uptimeFile].map(writtenAtMs));
  if (stateMs === undefined && uptimeMs === undefined)
    return yellow(`${told}; no shipper has ever worked on ${layout.root}`, ...look);
  const signMs = Math.max(stateMs ?? 0, (uptimeMs ?? 0) + UPTIME_SLACK_MS);
  const silentMs = nowMsOf(clock) - signMs;
  if (silentMs <= config.doctor.shipper_silent_s * 1000) return undefined;
  return yellow(`${told}; cis490-shipper has left no sign of itself for ${inDays(silentMs)}`, ...look);
}

async function writtenAtMs(path: string): Promise<number | undefined> {
  return (await lstatIfThere(path))?.mtimeMs;
}
