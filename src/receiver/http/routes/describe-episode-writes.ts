// The PUT of an episode and resumable uploads in the contract: they are answered on Node's own objects, and described here.

import { z } from 'zod';
import { storedAnswerSchema } from '../../../protocol/answers.ts';
import { commitSchema } from '../../../protocol/commit.ts';
import { sha256Schema } from '../../../protocol/digests.ts';
import { HEADER } from '../../../protocol/headers.ts';
import type { ProblemCode } from '../../../protocol/problem.ts';
import type { RouteTable } from '../route-table.ts';

const RESUMABLE = z.object({
  'tus-resumable': z.literal('1.0.0').meta({ description: 'The version of tus; no other is served' }),
});
// What a PUT is refused for, and so an upload: before it begins, and after all of it has come.
const BEFORE_A_BYTE: ProblemCode[] = [
  'bad-host-id',
  'bad-episode-id',
  'digest-missing',
  'digest-malformed',
  'too-large',
];
const OF_THE_EPISODE: ProblemCode[] = [
  'commit-missing',
  'commit-malformed',
  'commit-not-in-window',
  'commit-blocked',
  'dirty-refused',
  'conflict',
  'retracted',
  'gate-unknown',
  'gate-stale',
  'disk-reserve',
  'disk-full',
  'sync-failed',
  'database-busy',
  'stopping',
];
const OF_TUS: ProblemCode[] = ['tus-version-unsupported', 'tus-request-malformed'];
const OF_AN_UPLOAD: ProblemCode[] = [...OF_TUS, 'upload-not-found', 'upload-expired'];
const AT_ITS_END: ProblemCode[] = [...OF_THE_EPISODE, 'digest-mismatch'];
const OF_A_BODY: ProblemCode[] = ['content-range-refused', 'encoding-refused', 'expectation-failed'];

export function describeEpisodeWrites(routes: RouteTable): void {
  describePut(routes);
  describeUploads(routes);
}

function describePut(routes: RouteTable): void {
  routes.describe({
    method: 'put',
    path: '/v1/episodes/{host_id}/{episode_id}.tar.zst',
    summary: 'Store an episode',
    description:
      'Refusals come before the body is read; with Expect: 100-continue, 100 comes once all checks have passed. 200 says that the same content is stored already.',
    action: 'write-episode',
    headers: z.object({
      [HEADER.sha256]: sha256Schema
        .optional()
        .meta({ description: 'SHA-256 of the body in hex; or Repr-Digest or Content-Digest in its place' }),
      [HEADER.reprDigest]: z.string().optional().meta({ description: 'RFC 9530, sha-256' }),
      [HEADER.contentDigest]: z.string().optional().meta({ description: 'RFC 9530, sha-256' }),
      [HEADER.commit]: commitSchema
        .optional()
        .meta({ description: 'The commit that made the episode: required while the gate is on' }),
      [HEADER.dirty]: z.enum(['0', '1']).optional().meta({ description: '1 if it was made from a modified tree' }),
      [HEADER.schemaVersion]: z
        .string()
        .optional()
        .meta({ description: "The episode's schema version, passed through to the index" }),
    }),
    body: { schema: z.string().meta({ format: 'binary' }), description: 'The tarball, compressed with zstd' },
    answer: { status: 201, description: 'Stored, and durable', schema: storedAnswerSchema },
    also: { status: 200, description: 'It was stored already', schema: storedAnswerSchema },
    problems: ['bad-request', 'bad-suffix', 'headers-too-large', ...BEFORE_A_BYTE, ...AT_ITS_END, ...OF_A_BODY],
  });
}

function describeUploads(routes: RouteTable): void {
  routes.describe({
    method: 'post',
    path: '/v1/uploads',
    summary: 'Begin a resumable upload of an episode (tus 1.0, creation)',
    description:
      'All that a PUT is refused for is refused here, before a byte is sent. A second creation for the same episode replaces the first. When the upload is at its end, the same creation once more, or an ordinary PUT with Expect: 100-continue, is answered 200 with the receipt.',
    action: 'write-episode',
    headers: z.object({
      ...RESUMABLE.shape,
      'upload-length': z.string().meta({ description: 'Bytes of the whole, from 1 up' }),
      'upload-metadata': z.string().meta({
        description:
          'As tus writes it: host_id, episode_id, sha256, and commit, dirty, schema_version as the headers of a PUT have them, each in base64',
      }),
    }),
    answer: { status: 201, description: 'Begun: Location is its path, Upload-Expires when it is given up' },
    also: { status: 200, description: 'It was stored already; no Location', schema: storedAnswerSchema },
    problems: [...OF_TUS, ...BEFORE_A_BYTE, ...OF_THE_EPISODE, 'too-many-uploads'],
  });
  routes.describe({
    method: 'options',
    path: '/v1/uploads',
    summary: 'Which tus is served',
    action: 'write-episode',
    answer: {
      status: 204,
      description: 'Tus-Version, Tus-Extension (creation, expiration, termination), Tus-Max-Size',
    },
  });
  routes.describe({
    method: 'head',
    path: '/v1/uploads/{upload_id}',
    summary: 'How far an upload is',
    description:
      'Upload-Offset equals Upload-Length only once the episode is stored. A refusal has its code in X-Cis490-Problem.',
    action: 'write-episode',
    headers: RESUMABLE,
    answer: { status: 200, description: 'Upload-Offset, Upload-Length, Upload-Metadata, Upload-Expires' },
    problems: [...OF_AN_UPLOAD, ...AT_ITS_END],
  });
  routes.describe({
    method: 'patch',
    path: '/v1/uploads/{upload_id}',
    summary: 'Go on with an upload',
    description:
      'What came is kept, however the request ends. With the last byte the gate is asked again, the digest compared, and the episode stored as by a PUT.',
    action: 'write-episode',
    headers: z.object({ ...RESUMABLE.shape, 'upload-offset': z.string().meta({ description: 'The first byte sent' }) }),
    body: {
      schema: z.string().meta({ format: 'binary' }),
      description: 'The next bytes of the tarball',
      contentType: 'application/offset+octet-stream',
    },
    answer: {
      status: 204,
      description: 'Upload-Offset: so many bytes are there, and durable; at the end: it is stored',
    },
    problems: [...OF_AN_UPLOAD, ...AT_ITS_END, ...OF_A_BODY, 'upload-offset-mismatch'],
  });
  routes.describe({
    method: 'delete',
    path: '/v1/uploads/{upload_id}',
    summary: 'Give an upload up (tus 1.0, termination)',
    action: 'write-episode',
    headers: RESUMABLE,
    answer: { status: 204, description: 'Nothing of it is kept' },
    problems: OF_AN_UPLOAD,
  });
}
