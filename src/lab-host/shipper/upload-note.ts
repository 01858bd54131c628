// What is remembered of a resumable upload, beside its tarball, so that a shipper that was killed goes on from the last byte.
// Durable order: written → fsync → rename → fsync outbox, before the first byte of the upload is sent.

import { readFileSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { AfterStep } from '../../lib/after-step.ts';
import { errnoOf } from '../../lib/app-error.ts';
import { toJsonFile } from '../../lib/durable-file.ts';
import { uploadNoteFile } from '../data-layout.ts';
import type { PackedEpisode } from './pack-episode.ts';
import { createDurably, removeQuickly, syncDirectory, writeAll } from './quick-files.ts';
import type { ShipperStep } from './shipper-step.ts';
import { isUploadPath } from './upload-requests.ts';

const noteSchema = z.object({
  receiver: z.string(),
  sha256: z.string(),
  path: z.string().refine(isUploadPath),
});

/** For one receiver. */
export class UploadNotes {
  readonly #receiver: string;
  readonly #afterStep: AfterStep<ShipperStep>;

  constructor(receiverUrl: string, afterStep: AfterStep<ShipperStep>) {
    this.#receiver = new URL(receiverUrl).origin;
    this.#afterStep = afterStep;
  }

  /** The path of the upload of these very bytes to this receiver; a tarball that was packed anew has none. */
  read({ tarballPath, sha256 }: PackedEpisode): string | undefined {
    try {
      const note = noteSchema.safeParse(JSON.parse(readFileSync(uploadNoteFile(tarballPath), 'utf8'))).data;
      return note?.receiver === this.#receiver && note.sha256 === sha256 ? note.path : undefined;
    } catch (error) {
      // One that cannot be read is as good as none: it begins anew.
      if (errnoOf(error) !== undefined || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  /** In the place of any earlier one. */
  async write({ tarballPath, sha256 }: PackedEpisode, path: string): Promise<void> {
    const notePath = uploadNoteFile(tarballPath);
    const temporaryPath = `${notePath}.tmp`;
    const text = toJsonFile({ receiver: this.#receiver, sha256, path });
    await createDurably(temporaryPath, 0o640, (descriptor) => writeAll(descriptor, Buffer.from(text)));
    this.#afterStep('upload-note-written');
    renameSync(temporaryPath, notePath);
    this.#afterStep('upload-note-renamed');
    await syncDirectory(dirname(notePath));
    this.#afterStep('upload-note-synced');
  }

  async remove({ tarballPath }: PackedEpisode): Promise<void> {
    await removeQuickly(uploadNoteFile(tarballPath));
  }
}
