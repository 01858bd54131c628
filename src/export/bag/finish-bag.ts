// Makes a bag whole (RFC 8493): the index of what it holds, then what describes it, its manifest last of all. A bag with a manifest is whole.

import { createHash } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../lib/app-error.ts';
import { fsyncDirectory } from '../../lib/durable-file.ts';
import { writing } from '../../lib/explain-write-error.ts';
import { readIfThere } from '../../lib/read-if-there.ts';
import type { SequencedRow } from '../../protocol/ledger-row.ts';
import { keyOf } from '../episode-source.ts';
import { explainReadError } from '../explain-read-error.ts';
import { type WrittenLines, writeLines } from '../line-file.ts';
import { formatRow } from '../list-episodes.ts';
import type { Selection } from '../selection.ts';
import type { BagDirectory } from './bag-directory.ts';
import { formatBagInfo } from './bag-info.ts';
import { DECLARATION, episodePath, INDEX, INFO, MANIFEST, partialFile, TAG_MANIFEST } from './bag-layout.ts';

const DECLARATION_TEXT = 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n';

export interface FinishOptions {
  bag: BagDirectory;
  selection: Selection;
  /** Of all that the bag holds, in order, each time it is called. */
  rows: () => AsyncIterable<SequencedRow>;
  /** Selected episodes that could not be had. */
  leftOut: number;
  /** `2026-05-01`. */
  date: string;
}

/** `as-it-was`: nothing was new, and nothing was written. Throws `disk-full`, `cannot-write`, `cannot-read`. */
export async function finishBag(options: FinishOptions): Promise<'finished' | 'as-it-was'> {
  const { bag, selection, rows, leftOut, date } = options;
  const [newIndex, newManifest] = [partialFile(bag.path, 'index.jsonl'), partialFile(bag.path, MANIFEST)];
  const held = { episodes: 0, bytes: 0 };
  const index = await writeLines(newIndex, indexLines(rows(), held));
  const manifest = await writeLines(newManifest, manifestLines(rows(), index));
  if ((await bag.isWhole()) && (await isSame(bag, { index, manifest, leftOut }))) return 'as-it-was';

  await bag.beginChange();
  const payload = { bytes: held.bytes + index.bytes, files: held.episodes + 1 };
  const info = formatBagInfo(selection, { payload, date, leftOut });
  await writing(bag.path, async () => {
    await rename(newIndex, join(bag.path, INDEX));
    await bag.syncPayload();
    bag.afterStep('index-placed');
    await bag.writeTagFile(DECLARATION, DECLARATION_TEXT);
    await bag.writeTagFile(INFO, info);
    bag.afterStep('info-written');
    await bag.writeTagFile(TAG_MANIFEST, tagManifest(info, manifest));
    bag.afterStep('tag-manifest-written');
    await rename(newManifest, join(bag.path, MANIFEST));
    await fsyncDirectory(bag.path);
  });
  bag.afterStep('manifest-placed');
  return 'finished';
}

async function* indexLines(
  rows: AsyncIterable<SequencedRow>,
  held: { episodes: number; bytes: number },
): AsyncGenerator<string> {
  for await (const row of rows) {
    held.episodes += 1;
    held.bytes += row.bytes;
    yield formatRow(row);
  }
}

/** As `sha256sum` reads it. Ids need none of the escapes of RFC 8493, 2.1.3. */
async function* manifestLines(rows: AsyncIterable<SequencedRow>, index: WrittenLines): AsyncGenerator<string> {
  yield manifestLine(index.sha256, INDEX);
  for await (const row of rows) yield manifestLine(row.sha256, episodePath(keyOf(row)));
}

function manifestLine(sha256: string, path: string): string {
  return `${sha256}  ${path}\n`;
}

function tagManifest(info: string, manifest: WrittenLines): string {
  return [
    manifestLine(digestOf(info), INFO),
    manifestLine(digestOf(DECLARATION_TEXT), DECLARATION),
    manifestLine(manifest.sha256, MANIFEST),
  ].join('');
}

async function isSame(
  bag: BagDirectory,
  { index, manifest, leftOut }: { index: WrittenLines; manifest: WrittenLines; leftOut: number },
): Promise<boolean> {
  const info = (await textOf(join(bag.path, INFO))) ?? '';
  const toldLeftOut = Number(/^Cis490-Left-Out: (\d+)$/m.exec(info)?.[1] ?? 0);
  if (toldLeftOut !== leftOut || !/^Payload-Oxum: /m.test(info)) return false;
  if ((await textOf(join(bag.path, DECLARATION))) !== DECLARATION_TEXT) return false;
  if ((await textOf(join(bag.path, TAG_MANIFEST))) !== tagManifest(info, manifest)) return false;
  return (await fileDigest(bag, INDEX)) === index.sha256 && (await fileDigest(bag, MANIFEST)) === manifest.sha256;
}

async function textOf(path: string): Promise<string | undefined> {
  return await readIfThere(path).catch((error: unknown) => absentOr(path, error));
}

async function fileDigest(bag: BagDirectory, name: string): Promise<string | undefined> {
  const path = join(bag.path, name);
  const hash = createHash('sha256');
  try {
    for await (const chunk of bag.disk.read(path)) hash.update(chunk);
  } catch (error) {
    return absentOr(path, error);
  }
  return hash.digest('hex');
}

/** What the disk cannot give back is written anew, as what is missing is. */
function absentOr(path: string, error: unknown): undefined {
  if (['ENOENT', 'EIO'].includes(errnoOf(error) ?? '')) return undefined;
  throw explainReadError(path, error);
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
