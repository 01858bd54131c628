// Where things lie under the data directory, for whichever program of the lab host, and the directories that the shipper needs.

import { join } from 'node:path';
import { fsyncDirectory } from '../lib/durable-file.ts';
import { makeDirectory } from '../lib/make-directory.ts';
import { EPISODE_SUFFIX } from '../protocol/ids.ts';

/** There while the disk is short: written by the shipper, obeyed by the orchestrator. */
export const BACKPRESSURE_FILE = 'BACKPRESSURE';

export interface DataLayout {
  root: string;
  episodes: string;
  outbox: string;
  shipped: string;
  quarantine: string;
  stateFile: string;
  uptimeFile: string;
  backpressureFile: string;
}

export function dataLayout(root: string): DataLayout {
  const at = (name: string) => join(root, name);
  return {
    root,
    episodes: at('episodes'),
    outbox: at('outbox'),
    shipped: at('shipped'),
    quarantine: at('quarantine'),
    stateFile: at('shipper-state.json'),
    uptimeFile: at('shipper-uptime.json'),
    backpressureFile: at(BACKPRESSURE_FILE),
  };
}

export async function makeDataDirectories(layout: DataLayout): Promise<void> {
  for (const path of [layout.episodes, layout.outbox, layout.shipped, layout.quarantine]) {
    await makeDirectory(path);
  }
  await fsyncDirectory(layout.root);
}

/** The files that one episode may have in the outbox. */
export function outboxFiles(layout: DataLayout, episodeId: string) {
  const tarball = join(layout.outbox, `${episodeId}${EPISODE_SUFFIX}`);
  return {
    tarball,
    partial: `${tarball}.partial`,
    sidecar: join(layout.outbox, `${episodeId}.json`),
    uploadNote: uploadNoteFile(tarball),
  };
}

/** What is remembered of the resumable upload of a tarball. No tarball and no sidecar of any episode has such a name. */
export function uploadNoteFile(tarballPath: string): string {
  return `${tarballPath}${UPLOAD_NOTE_SUFFIX}`;
}
export const UPLOAD_NOTE_SUFFIX = '.upload';
