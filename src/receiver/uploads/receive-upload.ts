// The body of one PATCH: read as a PUT's is, and appended. What came is kept, whatever ends it.

import type { IncomingMessage } from 'node:http';
import type { Uploads } from '../../storage/uploads.ts';
import type { PaceLimits } from '../http/body-pace.ts';
import { readBody } from '../http/read-body.ts';
import type { UnfinishedUpload } from './unfinished-uploads.ts';

export interface ReceivedPart {
  /** `cut-off`: the client left, was too slow, or came again by another connection. `too-long`: more came than was declared. */
  end: 'complete' | 'cut-off' | 'too-long';
  offsetBytes: number;
}

/** `onReady`: the client may send. Throws `disk-full` or `sync-failed`. */
export async function receiveUpload(
  { uploads, limits }: { uploads: Uploads; limits: { pace: PaceLimits } },
  { upload, reservation }: UnfinishedUpload,
  request: IncomingMessage,
  { offsetBytes, onReady }: { offsetBytes: number; onReady: () => void },
): Promise<ReceivedPart> {
  const append = await uploads.append(upload);
  let totalBytes = offsetBytes;
  let end: Awaited<ReturnType<typeof readBody>>;
  try {
    onReady();
    end = await readBody(request, limits.pace, async (chunk) => {
      if (totalBytes + chunk.byteLength > upload.sizeBytes) return false;
      totalBytes += chunk.byteLength;
      await reservation.received(totalBytes);
      await append.write(chunk);
      return true;
    });
  } finally {
    try {
      await append.end();
    } finally {
      // After a failure less may be there than came.
      await reservation.received((await uploads.offsetOf(upload.uploadId)) ?? 0);
    }
  }
  if (end === 'complete') return { end, offsetBytes: totalBytes };
  return { end: end === 'aborted' ? 'cut-off' : 'too-long', offsetBytes: totalBytes };
}
