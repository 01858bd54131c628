// One stored episode: its row, whether its file is whole, what is packed in it, and how to take it out.

import { isEpisodeId, isHostId } from '../../../protocol/ids.ts';
import type { RouteDependencies } from '../../http/route-dependencies.ts';
import type { Dashboard } from '../dashboard.ts';
import { ownOrigin } from '../show/own-origin.ts';
import { requireLedger } from './data-page.ts';
import { EpisodeLooker } from './episode-look.ts';
import { episodeView, retractedView } from './episode-view.ts';

type EpisodePageDependencies = Pick<RouteDependencies, 'ledger' | 'blobs' | 'gate' | 'authenticator'>;

export function registerEpisodePage(dashboard: Dashboard, dependencies: EpisodePageDependencies): void {
  const { ledger, blobs } = dependencies;
  const looker = new EpisodeLooker(blobs);
  dashboard.page('/data/:host_id/:episode_id', 'read-episode', async ({ context, now }) => {
    const hostId = context.req.param('host_id') ?? '';
    const episodeId = context.req.param('episode_id') ?? '';
    if (!isHostId(hostId) || !isEpisodeId(episodeId)) return 'not-found';
    requireLedger(ledger);
    const found = await ledger.find(hostId, episodeId);
    if (!found) return 'not-found';
    if (found.tombstone) return retractedView(found.tombstone, found.row);
    const { gate, authenticator } = dependencies;
    const left = new AbortController();
    context.env.outgoing.once('close', () => left.abort());
    return episodeView({
      row: found.row,
      look: await looker.look(found.row, left.signal),
      pathInStore: blobs.pathInRow({ hostId, episodeId }),
      distanceOf: (commit) => gate.distanceOf(commit),
      origin: ownOrigin(context.env.incoming),
      needsCredential: authenticator.needsCredential,
      now,
    });
  });
}
