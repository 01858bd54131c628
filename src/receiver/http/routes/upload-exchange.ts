// One request to /v1/uploads: what it is about, what has been learnt of it, and what it came to.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AfterStep } from '../../../lib/after-step.ts';
import type { Refusal } from '../../ingest/check-episode.ts';
import type { StoredOrRefused } from '../../ingest/commit-episode.ts';
import type { PutMeter } from '../../metrics/put-meters.ts';
import type { UploadDependencies } from '../../uploads/create-upload.ts';
import type { TusAnswer } from '../../uploads/judge-by-tus.ts';
import type { Asked } from '../episode-attempt.ts';
import type { PutEpisodeDependencies } from './put-episode.ts';

export type UploadAnswerStep = 'upload-answered';

export interface UploadRouteDependencies extends Omit<PutEpisodeDependencies, 'afterStep'>, UploadDependencies {
  afterStep?: AfterStep<UploadAnswerStep>;
}

export interface UploadExchange {
  request: IncomingMessage;
  response: ServerResponse;
  requestId: string;
  /** Undefined for the collection itself. */
  uploadId: string | undefined;
  /** The client waits for 100 before it sends the body. */
  awaitsContinue: boolean;
  /** What has been learnt of the attempt so far: for its count and its lines in the log. */
  attempt: {
    rawHostId: string;
    rawEpisodeId: string;
    asked?: Asked;
    /** From the moment on when it is to be stored. */
    meter?: PutMeter;
  };
}

/** `verdict`: what came of the episode, if that was decided. */
export type UploadOutcome =
  | (TusAnswer & { verdict?: StoredVerdict })
  | { kind: 'created-duplicate'; verdict: StoredVerdict }
  | { kind: 'cut-off'; offsetBytes: number }
  | Refusal;

export type StoredVerdict = Exclude<StoredOrRefused, Refusal>;
