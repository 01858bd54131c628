// What a packed episode holds, for a person: what its meta.json says and its files, or one of its files as it is.

import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { AppError, messageOf } from '../../lib/app-error.ts';
import { META_FILE } from '../../protocol/episode-meta.ts';
import { walkPacked } from './walk-packed.ts';

export interface ShowEpisodeOptions {
  /** Path of a .tar.zst. */
  tarball: string;
  /** A file in it, as the listing names it: printed as it is, and nothing else. */
  member: string | undefined;
  output: Writable;
}

/** Throws `bad-input` when the tarball or the member is not there or is damaged. */
export async function showEpisode({ tarball, member, output }: ShowEpisodeOptions): Promise<void> {
  await access(tarball).catch((error: unknown) => {
    throw new AppError('bad-input', `cannot read ${tarball}: ${messageOf(error)}`, { cause: error });
  });
  let isFound = false;
  try {
    for await (const { path, name, sizeBytes, modifiedAt, content } of walkPacked(createReadStream(tarball))) {
      if (member === undefined) {
        if (path === META_FILE) output.write(`${(await buffer(content)).toString().trimEnd()}\n\n`);
        output.write(
          `${String(sizeBytes).padStart(12)}  ${modifiedAt?.toISOString().slice(0, 19) ?? ''}  ${printable(path)}\n`,
        );
      } else if (path === member || name === member) {
        isFound = true;
        for await (const chunk of content) output.write(chunk);
        break;
      }
    }
  } catch (error) {
    throw new AppError('bad-input', `${tarball} is not a whole .tar.zst: ${messageOf(error)}`, { cause: error });
  }
  if (member !== undefined && !isFound) {
    throw new AppError('bad-input', `${tarball} has no ${member}`, { hint: `list it: cis490 episode show ${tarball}` });
  }
}

/** Names are the recorder's: nothing in them may drive the terminal. */
function printable(name: string): string {
  return /^[\x20-\x7e\u00a0-\uffff]*$/.test(name) ? name : JSON.stringify(name);
}
