// source = "receiver": which release this host should run, as the receiver tells it and a trusted key has signed it.

import { AppError } from '../../lib/app-error.ts';
import { parseReleaseKey, RELEASE_HEAD_PATH, releaseHeadSchema } from '../../protocol/release.ts';
import type { UpdateState } from '../../protocol/update-state.ts';
import { cureForHold } from '../transport/hold-cures.ts';
import { judgeHead } from './judge-head.ts';
import { placeBundle } from './place-bundle.ts';
import { refused, unreachable } from './receiver-failure.ts';
import type { Found, UpdateDependencies } from './update-dependencies.ts';

/** Changes nothing. Throws `no-bundles`, `receiver-unreachable`, `receiver-refused`, `release-head-malformed`, and what judgeHead does. */
export async function askReceiver(
  dependencies: UpdateDependencies,
  running: string,
  state: UpdateState,
): Promise<Found> {
  const { config, connections, platform, clock, logger, stop, afterStep } = dependencies;
  const { release_keys, pin } = config.autoupdate;
  if (!platform) {
    throw new AppError('no-bundles', `there are no bundles for ${process.platform}-${process.arch}`, {
      hint: 'use [autoupdate] source = "git" on this machine',
    });
  }
  // The name too: the token of a whole fleet does not say it, and a roll-out to a part of the fleet goes by it.
  const answer = await connections
    .ask('GET', `${RELEASE_HEAD_PATH}?platform=${platform}&host=${config.host_id}`, { stop })
    .catch((error: unknown) => {
      throw unreachable(error);
    });
  afterStep('asked');
  const { status } = answer;
  if (status === 204) return { kind: 'nothing', detail: 'the receiver has no release for this host' };
  if (status === 404 || status === 405) return { kind: 'nothing', detail: 'the receiver hands out no releases' };
  if (status !== 200) throw refused(answer);
  const head = parseHead(answer.body);
  const keys = release_keys.map(parseReleaseKey).filter((key) => key !== undefined);
  const verdict = judgeHead(head, { keys, platform, pin, state, running, atWall: clock.wallTime() });
  const { commit, release_number: releaseNumber } = head;
  if (verdict.kind === 'current') return { kind: 'current', releaseNumber };
  if (verdict.kind === 'left-alone') return { ...verdict, commit };
  logger.info({ commit, release_number: releaseNumber, bytes: head.bytes }, 'update: a newer release is offered');
  return {
    kind: 'candidate',
    candidate: {
      commit,
      releaseNumber,
      leftovers: [commit, head.sha256],
      place: () => placeBundle(dependencies, head),
    },
  };
}

function parseHead(body: string) {
  try {
    return releaseHeadSchema.parse(JSON.parse(body));
  } catch (error) {
    throw new AppError('release-head-malformed', 'what the receiver answered describes no release', {
      hint: cureForHold('unexpected-answer'),
      cause: error,
    });
  }
}
