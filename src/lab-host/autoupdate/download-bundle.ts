// A bundle into .incoming/: from the byte where the last attempt ended, never more than was signed for, and under its own name only once its
// digest is right and it is durable.

import { type FileHandle, mkdir, open, rename, stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { AppError, isMissing } from '../../lib/app-error.ts';
import { digestOfFile } from '../../lib/digest-of-file.ts';
import { fsyncDirectory } from '../../lib/durable-file.ts';
import { removeFile } from '../../lib/remove-file.ts';
import { refused, unreachable } from './receiver-failure.ts';
import type { BundleHead, UpdateDependencies } from './update-dependencies.ts';

// Without a byte more each time.
const MOST_FRUITLESS_TRIES = 3;
const PAUSE_MS = 5_000;
const MAX_PROBLEM_BYTES = 64 * 1024;

export function bundleFiles(incoming: string, { sha256 }: Pick<BundleHead, 'sha256'>) {
  const name = join(incoming, sha256);
  return { whole: `${name}.tar.zst`, part: `${name}.part` };
}

/** How many bytes of it are on the disk. */
export async function bundleSoFar(incoming: string, head: Pick<BundleHead, 'sha256' | 'bytes'>): Promise<number> {
  const { whole, part } = bundleFiles(incoming, head);
  return Math.min((await sizeOf(whole)) ?? (await sizeOf(part)) ?? 0, head.bytes);
}

/** Resolves with its path. Throws `receiver-unreachable`, `receiver-refused`, `bundle-damaged`, `release-elsewhere`. */
export async function downloadBundle(dependencies: UpdateDependencies, head: BundleHead): Promise<string> {
  const { layout, logger, clock, stop, afterStep, config } = dependencies;
  const { whole, part } = bundleFiles(layout.incoming, head);
  const path = pathOnReceiver(head.url, config.receiver.url);
  await mkdir(layout.incoming, { recursive: true });
  if ((await sizeOf(whole)) === head.bytes) return whole;
  const handle = await open(part, 'a+');
  try {
    let fruitless = 0;
    for (let sizeBytes = (await handle.stat()).size; sizeBytes !== head.bytes; ) {
      logger.info({ from: sizeBytes, bytes: head.bytes }, 'update: downloading');
      const failure = await receive(dependencies, path, head, handle).catch((error: unknown) => error);
      const nowBytes = (await handle.stat()).size;
      if (failure !== undefined) {
        fruitless = nowBytes > sizeBytes ? 0 : fruitless + 1;
        if (stop.aborted || !isPassing(failure) || fruitless >= MOST_FRUITLESS_TRIES) throw failure;
        await clock.sleep(PAUSE_MS, stop);
      }
      sizeBytes = nowBytes;
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  if ((await digestOfFile(part)).sha256 !== head.sha256) {
    await removeFile(part);
    throw new AppError('bundle-damaged', 'what was downloaded is not what was signed: its digest is another', {
      hint: 'it is downloaded anew at the next run; if that fails, too, look at the receiver: cis490 release list',
      retryable: true,
    });
  }
  await rename(part, whole);
  await fsyncDirectory(layout.incoming);
  afterStep('downloaded');
  return whole;
}

/** Undefined, or throws what ended it. */
async function receive(
  { connections, stop, afterStep }: UpdateDependencies,
  path: string,
  { bytes }: BundleHead,
  handle: FileHandle,
): Promise<undefined> {
  let atBytes = (await handle.stat()).size;
  // Of another version of this program, or grown by a disk's fault.
  if (atBytes > bytes) await handle.truncate(0);
  atBytes = atBytes > bytes ? 0 : atBytes;
  const headers = atBytes > 0 ? { Range: `bytes=${atBytes}-` } : {};
  const answer = await connections.open(path, { headers, stop }).catch((error: unknown) => {
    throw unreachable(error);
  });
  const isRest = answer.statusCode === 206 && answer.headers['content-range']?.startsWith(`bytes ${atBytes}-`);
  if (answer.statusCode === 416 || (answer.statusCode === 206 && !isRest)) {
    answer.destroy();
    await handle.truncate(0);
    throw new AppError('range-refused', 'the receiver does not go on where the download ended', { retryable: true });
  }
  if (answer.statusCode !== 200 && !isRest) {
    throw refused({ status: answer.statusCode ?? 0, body: await readStart(answer) });
  }
  if (!isRest && atBytes > 0) {
    await handle.truncate(0);
    atBytes = 0;
  }
  afterStep('download-begun');
  for await (const chunk of piecesOf(answer)) {
    atBytes += chunk.byteLength;
    if (atBytes > bytes) throw tooLong(bytes);
    await handle.appendFile(chunk);
  }
  if (atBytes < bytes) throw unreachable(new Error(`the download ended after ${atBytes} of ${bytes} bytes`));
  return undefined;
}

/** What ends the connection is the network's fault; what the disk refuses is not thrown here. */
async function* piecesOf(answer: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* answer;
  } catch (error) {
    throw unreachable(error);
  }
}

function tooLong(bytes: number): AppError {
  return new AppError('bundle-too-long', `the bundle is longer than the ${bytes} bytes that were signed for`);
}

function isPassing(error: unknown): boolean {
  return error instanceof AppError && error.retryable;
}

/** A credential goes to the receiver alone. */
function pathOnReceiver(url: string, receiverUrl: string): string {
  const base = new URL(receiverUrl);
  const target = URL.parse(url, base);
  if (target?.origin === base.origin) return target.pathname + target.search;
  throw new AppError(
    'release-elsewhere',
    `the bundle is said to lie at ${url.slice(0, 200)}, which is not on the receiver`,
    {
      hint: 'look at the receiver: bundles come from the address in [receiver] url alone',
    },
  );
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function readStart(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    text += chunk.toString('utf8');
    if (text.length > MAX_PROBLEM_BYTES) break;
  }
  return text;
}
