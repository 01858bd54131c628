// Against tus' reference server, and against answers of its and of others in its place.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, type TestContext, test } from 'node:test';
import { sha256 } from '../../../test/support/episodes.ts';
import { makeDirectory, removeDirectory } from '../../../test/support/temporary-directory.ts';
import { systemClock } from '../../lib/clock.ts';
import { uploadNoteFile } from '../data-layout.ts';
import { classifyAnswer } from '../transport/classify-answer.ts';
import { fixedCredentials } from '../transport/credentials.ts';
import { BandwidthLimit } from './bandwidth-limit.ts';
import { LeaveGivingProxy } from './leave-giving-proxy.fixture.ts';
import type { PackedEpisode } from './pack-episode.ts';
import { createTransport, type Transport, type TransportOptions } from './put-episode.ts';
import type { ShipperStep } from './shipper-step.ts';
import { answer, metadataOf, problem, TusReceiver } from './tus-server.fixture.ts';

const MIB = 1024 ** 2;
const NEVER = new AbortController().signal;
const NOISE = randomBytes(6 * MIB);
// Only to end a test that hangs.
const PATIENCE_MS = 60_000;

let root: string;
beforeEach(() => {
  root = makeDirectory();
});
afterEach(() => removeDirectory(root));

function episodeOf(sizeBytes = NOISE.byteLength, bytes = NOISE): PackedEpisode {
  const content = bytes.subarray(0, sizeBytes);
  const tarballPath = join(root, 'e.tar.zst');
  writeFileSync(tarballPath, content);
  const stamp = { commit: 'a'.repeat(40), dirty: true, schemaVersion: '7' };
  return { episodeId: 'e', tarballPath, sha256: sha256(content), sizeBytes, sourceBytes: 0, stamp };
}

interface Shipper extends Transport {
  send(episode: PackedEpisode): Promise<string>;
  steps: ShipperStep[];
  sentBytes: number;
  log: string[];
}

function shipperTo(t: TestContext, url: string, more: Partial<TransportOptions> = {}): Shipper {
  const state = { steps: [] as ShipperStep[], sentBytes: 0, log: [] as string[] };
  const transport = createTransport({
    receiverUrl: url,
    credentials: fixedCredentials(undefined),
    clock: systemClock,
    onUploadMoved: () => undefined,
    connectTimeoutMs: PATIENCE_MS,
    idleTimeoutMs: PATIENCE_MS,
    concurrency: 2,
    resumableAboveBytes: () => MIB,
    afterStep: (step) => state.steps.push(step),
    onSent: (bytes) => {
      state.sentBytes += bytes;
    },
    logger: {
      info: (...told: unknown[]) => void state.log.push(JSON.stringify(told)),
    } as TransportOptions['logger'],
    ...more,
  });
  t.after(() => transport.close());
  return Object.assign(state, transport, {
    /** The verdict in a word, with its code where it has one. */
    async send(episode: PackedEpisode) {
      const verdict = classifyAnswer(await transport.put('lab-07', episode, NEVER), { hostId: 'lab-07', ...episode });
      return 'code' in verdict ? `${verdict.kind} ${verdict.code}` : verdict.kind;
    },
  });
}

/** Breaks the first PATCH off after so many bytes of it, as a lost connection does. */
function breakAfter(receiver: TusReceiver, bytes: number): void {
  let isBroken = false;
  receiver.inPlace = (request) => {
    if (request.method !== 'PATCH' || isBroken) return false;
    isBroken = true;
    let leftBytes = bytes;
    request.socket.on('data', (chunk: Buffer) => {
      leftBytes -= chunk.byteLength;
      if (leftBytes <= 0) request.socket.destroy();
    });
    return false;
  };
}

test('a large episode is created, sent in one go, and its receipt is the answer to another creation', async (t) => {
  const receiver = await TusReceiver.start(t, join(root, 'receiver'));
  const shipper = shipperTo(t, receiver.url);
  const episode = episodeOf();
  assert.equal(await shipper.send(episode), 'duplicate');
  assert.deepEqual(receiver.methods, ['POST', 'PATCH', 'POST']);
  assert.equal(receiver.bytesOf('PATCH'), episode.sizeBytes);
  assert.equal(shipper.sentBytes, episode.sizeBytes);
  assert.deepEqual(shipper.steps, [
    'upload-created',
    'upload-note-written',
    'upload-note-renamed',
    'upload-note-synced',
    'patch-started',
    'patch-body-sent',
    'patch-answered',
    'answer-received',
  ]);
  const [post] = receiver.seen;
  assert.ok(post);
  assert.deepEqual(metadataOf(post), {
    host_id: 'lab-07',
    episode_id: 'e',
    sha256: episode.sha256,
    commit: 'a'.repeat(40),
    dirty: '1',
    schema_version: '7',
  });
  assert.ok(receiver.files.some((path) => readFileSync(path).equals(NOISE)));
});

test('behind a proxy that gives leave by itself, no byte of the body goes twice', async (t) => {
  const receiver = await TusReceiver.start(t, join(root, 'receiver'));
  const proxy = await LeaveGivingProxy.start(t, receiver.url);
  const shipper = shipperTo(t, proxy.url);
  const episode = episodeOf();
  assert.equal(await shipper.send(episode), 'duplicate');
  assert.equal(proxy.bodyBytes, episode.sizeBytes);
  assert.equal(shipper.sentBytes, episode.sizeBytes);
});

for (const [what, change] of [
  ['of another digest', { sha256: 'cd'.repeat(32) }],
  ['of another episode', { episode_id: 'f' }],
  ['of another host', { host_id: 'lab-08' }],
  ['without a digest', { sha256: undefined }],
] as const) {
  test(`an answer ${what} to the creation after an upload is no receipt: a PUT asks`, async (t) => {
    const receiver = await TusReceiver.start(t, join(root, 'receiver'));
    receiver.inPlace = (request, response) => {
      if (request.method !== 'POST' || receiver.stored.size === 0) return false;
      return answer(response, 200, { status: 'duplicate', ...metadataOf(request), ...change });
    };
    assert.equal(await shipperTo(t, receiver.url).send(episodeOf()), 'duplicate');
    assert.deepEqual(receiver.methods, ['POST', 'PATCH', 'POST', 'PUT']);
  });
}

test('where the upload is stands on the disk before its first byte leaves', async (t) => {
  const receiver = await TusReceiver.start(t, join(root, 'receiver'));
  const episode = episodeOf();
  let noted = '';
  const shipper = shipperTo(t, receiver.url, {
    afterStep: (step) => {
      if (step === 'patch-started') noted = readFileSync(uploadNoteFile(episode.tarballPath), 'utf8');
    },
  });
  await shipper.send(episode);
  const { path, ...rest } = JSON.parse(noted);
  assert.deepEqual(rest, { receiver: receiver.url, sha256: episode.sha256 });
  assert.match(path, /^\/v1\/uploads\/\w+$/);
});

describe('after a break', () => {
  for (const who of ['the same shipper', 'another process']) {
    test(`${who} goes on from the last byte that has arrived`, async (t) => {
      const receiver = await TusReceiver.start(t, join(root, 'receiver'));
      const episode = episodeOf();
      const first = shipperTo(t, receiver.url);
      breakAfter(receiver, 2 * MIB);
      await assert.rejects(first.send(episode));
      const second = who === 'the same shipper' ? first : shipperTo(t, receiver.url);
      const sentBefore = second.sentBytes;
      assert.equal(await second.send(episode), 'duplicate');
      assert.deepEqual(receiver.methods, ['POST', 'PATCH', 'HEAD', 'GET', 'PATCH', 'POST']);
      const fromByte = Number(receiver.seen.at(-2)?.headers['upload-offset']);
      assert.ok(fromByte >= MIB, `it began at ${fromByte}`);
      assert.equal(second.sentBytes - sentBefore, episode.sizeBytes - fromByte);
      assert.match(second.log.join(), new RegExp(`"from_byte":${fromByte}.*upload goes on`));
    });
  }

  test('that the attempt before moved it on is told as soon as the receiver says so', async (t) => {
    const receiver = await TusReceiver.start(t, join(root, 'receiver'));
    let moved = 0;
    const shipper = shipperTo(t, receiver.url, {
      onUploadMoved: () => {
        moved += 1;
      },
    });
    for (const expected of [0, 1, 2]) {
      breakAfter(receiver, 1.5 * MIB);
      await assert.rejects(shipper.send(episodeOf()));
      assert.equal(moved, expected);
    }
    receiver.inPlace = (request) => request.method === 'PATCH' && !!request.socket.destroy();
    await assert.rejects(shipper.send(episodeOf()));
    assert.equal(moved, 3);
    await assert.rejects(shipper.send(episodeOf()));
    assert.equal(moved, 3, 'the attempt before this one moved nothing');
  });

  test('an upload that is whole needs only its receipt', async (t) => {
    const receiver = await TusReceiver.start(t, join(root, 'receiver'));
    const episode = episodeOf();
    receiver.inPlace = (request) => request.method === 'POST' && receiver.stored.size > 0 && !!request.socket.destroy();
    await assert.rejects(shipperTo(t, receiver.url).send(episode));
    receiver.inPlace = () => false;
    const shipper = shipperTo(t, receiver.url);
    assert.equal(await shipper.send(episode), 'duplicate');
    assert.deepEqual(receiver.methods.slice(-2), ['HEAD', 'POST']);
    assert.equal(shipper.sentBytes, 0);
  });

  test('a tarball that was packed anew begins a new upload', async (t) => {
    const receiver = await TusReceiver.start(t, join(root, 'receiver'));
    breakAfter(receiver, 2 * MIB);
    await assert.rejects(shipperTo(t, receiver.url).send(episodeOf()));
    const other = episodeOf(5 * MIB, randomBytes(5 * MIB));
    assert.equal(await shipperTo(t, receiver.url).send(other), 'duplicate');
    assert.deepEqual(receiver.methods, ['POST', 'PATCH', 'POST', 'PATCH', 'POST']);
    assert.equal(receiver.seen.at(-2)?.bytes, other.sizeBytes);
  });

  test('an upload to another receiver is not asked about', async (t) => {
    const receiver = await TusReceiver.start(t, join(root, 'receiver'));
    breakAfter(receiver, 2 * MIB);
    await assert.rejects(shipperTo(t, receiver.url).send(episodeOf()));
    const other = await TusReceiver.start(t, join(root, 'other'));
    assert.equal(await shipperTo(t, other.url).send(episodeOf()), 'duplicate');
    assert.deepEqual(other.methods, ['POST', 'PATCH', 'POST']);
  });

  for (const [what, note] of [
    ['torn', '{"receiver": "http'],
    ['of another form', '{"path": 7}'],
    [
      'that leads elsewhere',
      (url: string, digest: string) => JSON.stringify({ receiver: url, sha256: digest, path: '/v1/uploads/../tokens' }),
    ],
  ] as [string, string | ((url: string, digest: string) => string)][]) {
    test(`a note ${what} is none`, async (t) => {
      const receiver = await TusReceiver.start(t, join(root, 'receiver'));
      const episode = episodeOf();
      const text = typeof note === 'string' ? note : note(receiver.url, episode.sha256);
      writeFileSync(uploadNoteFile(episode.tarballPath), text);
      assert.equal(await shipperTo(t, receiver.url).send(episode), 'duplicate');
      assert.deepEqual(receiver.methods, ['POST', 'PATCH', 'POST']);
    });
  }

  test('what the receiver lost meanwhile begins anew', async (t) => {
    const receiver = await TusReceiver.start(t, join(root, 'receiver'));
    breakAfter(receiver, 2 * MIB);
    await assert.rejects(shipperTo(t, receiver.url).send(episodeOf()));
    for (const path of receiver.files) for (const file of [path, `${path}.json`]) rmSync(file);
    assert.equal(await shipperTo(t, receiver.url).send(episodeOf()), 'duplicate');
    assert.deepEqual(receiver.methods, ['POST', 'PATCH', 'HEAD', 'POST', 'PATCH', 'POST']);
  });

  test('what has expired begins anew', async (t) => {
    const receiver = await TusReceiver.start(t, join(root, 'receiver'));
    breakAfter(receiver, 2 * MIB);
    await assert.rejects(shipperTo(t, receiver.url).send(episodeOf()));
    receiver.inPlace = (request, response) => request.method === 'HEAD' && problem(response, 'upload-expired');
    assert.equal(await shipperTo(t, receiver.url).send(episodeOf()), 'duplicate');
    assert.deepEqual(receiver.methods, ['POST', 'PATCH', 'HEAD', 'POST', 'PATCH', 'POST']);
  });

  test('what was begun under another name of the host begins anew', async (t) => {
    const receiver = await TusReceiver.start(t, join(root, 'receiver'));
    breakAfter(receiver, 2 * MIB);
    await assert.rejects(shipperTo(t, receiver.url).send(episodeOf()));
    receiver.inPlace = (request, response) => request.method === 'HEAD' && problem(response, 'forbidden');
    assert.equal(await shipperTo(t, receiver.url).send(episodeOf()), 'duplicate');
    assert.deepEqual(receiver.methods, ['POST', 'PATCH', 'HEAD', 'POST', 'PATCH', 'POST']);
  });

  test('of an episode that the gate refuses by now, no further byte is sent', async (t) => {
    const receiver = await TusReceiver.start(t, join(root, 'receiver'));
    breakAfter(receiver, 2 * MIB);
    await assert.rejects(shipperTo(t, receiver.url).send(episodeOf()));
    receiver.inPlace = (request, response) => {
      if (request.url?.startsWith('/v1/version-gate'))
        return answer(response, 200, { verdict: 'refused', code: 'commit-blocked' });
      return request.method === 'POST' && problem(response, 'commit-blocked');
    };
    const shipper = shipperTo(t, receiver.url);
    assert.equal(await shipper.send(episodeOf()), 'fatal commit-blocked');
    assert.deepEqual(receiver.methods.slice(2), ['HEAD', 'GET', 'POST']);
    assert.equal(shipper.sentBytes, 0);
  });
});

describe('what a creation is answered', () => {
  for (const [what, respond, verdict, methods] of [
    ['refused by the gate', (r) => problem(r, 'commit-not-in-window'), 'fatal commit-not-in-window', ['POST']],
    ['too large', (r) => problem(r, 'too-large'), 'fatal too-large', ['POST']],
    ['another episode there', (r) => problem(r, 'conflict'), 'fatal conflict', ['POST']],
    ['an unknown credential', (r) => problem(r, 'credential-invalid'), 'held credential-invalid', ['POST']],
    ['another host', (r) => problem(r, 'forbidden'), 'held forbidden', ['POST']],
    ['no room', (r) => problem(r, 'disk-reserve'), 'transient disk-reserve', ['POST']],
    ['a gate that cannot know', (r) => problem(r, 'gate-stale'), 'transient gate-stale', ['POST']],
    ['a failing proxy', (r) => answer(r, 502, 'Bad Gateway'), 'transient http-502', ['POST']],
    ['too fast', (r) => answer(r, 429, ''), 'transient http-429', ['POST']],
    // Success of a POST that names no digest is no receipt, whoever gives it.
    ['stored already', (r) => answer(r, 200, { status: 'duplicate' }), 'shipped', ['POST', 'PUT']],
    ['a page', (r) => answer(r, 200, '<html>', { 'Content-Type': 'text/html' }), 'shipped', ['POST', 'PUT']],
    ['too many of them', (r) => problem(r, 'too-many-uploads'), 'shipped', ['POST', 'PUT', 'POST']],
    ['an older receiver, 404', (r) => answer(r, 404, { detail: 'Not Found' }), 'shipped', ['POST', 'PUT']],
    ['an older receiver, 405', (r) => answer(r, 405, { detail: 'Method Not Allowed' }), 'shipped', ['POST', 'PUT']],
    ['ours before it had them', (r) => problem(r, 'not-found'), 'shipped', ['POST', 'PUT']],
    ['not implemented', (r) => answer(r, 501, ''), 'shipped', ['POST', 'PUT']],
    // The same statuses as the gate's and the store's verdicts, and none of them.
    ["tus' own 412", (r) => answer(r, 412, 'Tus-Resumable Required'), 'shipped', ['POST', 'PUT']],
    ["tus' own 409", (r) => answer(r, 409, { detail: 'Upload-Offset conflict' }), 'shipped', ['POST', 'PUT']],
    ["tus' own 400", (r) => answer(r, 400, { detail: 'Invalid' }), 'shipped', ['POST', 'PUT']],
    ["tus' own 413", (r) => answer(r, 413, { detail: 'Maximum size exceeded' }), 'shipped', ['POST', 'PUT']],
    ['the contract’s 412', (r) => problem(r, 'tus-version-unsupported'), 'shipped', ['POST', 'PUT']],
    ['no Location', (r) => answer(r, 201, ''), 'shipped', ['POST', 'PUT']],
    ...[
      'http://127.0.0.1:1/v1/uploads/x',
      '//elsewhere/v1/uploads/x',
      '/v1/uploads/../episodes/x',
      '/v1/uploads/x?y',
      '/elsewhere',
    ].map((location) => [
      `Location ${location}`,
      (r: Parameters<typeof answer>[0]) => answer(r, 201, '', { Location: location }),
      'shipped',
      ['POST', 'PUT'],
    ]),
  ] as [string, (response: Parameters<typeof answer>[0]) => true, string, string[]][]) {
    test(what, async (t) => {
      const receiver = await TusReceiver.start(t, join(root, 'receiver'));
      receiver.inPlace = (request, response) => request.method === 'POST' && respond(response);
      const shipper = shipperTo(t, receiver.url);
      const episode = episodeOf();
      assert.equal(await shipper.send(episode), verdict);
      const [, byPut, asksAgain] = methods;
      assert.deepEqual(receiver.methods, byPut ? ['POST', 'PUT'] : ['POST']);
      assert.equal(shipper.sentBytes, byPut ? episode.sizeBytes : 0);
      assert.equal(existsSync(uploadNoteFile(episode.tarballPath)), false);
      if (!byPut) return;
      // Not each episode asks again.
      const isRemembered = asksAgain === undefined && !['stored already', 'a page'].includes(what);
      await shipper.send(episode);
      assert.deepEqual(receiver.methods.slice(2), isRemembered ? ['PUT'] : ['POST', 'PUT']);
    });
  }

  test('an hour later a receiver without uploads is asked again', async (t) => {
    const receiver = await TusReceiver.start(t, join(root, 'receiver'));
    receiver.inPlace = (request, response) => request.method === 'POST' && answer(response, 404, '');
    let nowMs = 0;
    const clock = { ...systemClock, monotonicMs: () => nowMs };
    const shipper = shipperTo(t, receiver.url, { clock });
    for (nowMs of [0, 59 * 60_000, 60 * 60_000]) await shipper.send(episodeOf());
    assert.deepEqual(receiver.methods, ['POST', 'PUT', 'PUT', 'POST', 'PUT']);
  });
});

describe('what an upload under way is answered', () => {
  async function begun(t: TestContext): Promise<TusReceiver> {
    const receiver = await TusReceiver.start(t, join(root, 'receiver'));
    breakAfter(receiver, 2 * MIB);
    await assert.rejects(shipperTo(t, receiver.url).send(episodeOf()));
    receiver.seen.length = 0;
    return receiver;
  }

  for (const [method, what, respond, outcome] of [
    [
      'PATCH',
      'refused by the gate at the end',
      (r) => problem(r, 'commit-not-in-window'),
      'fatal commit-not-in-window',
    ],
    ['PATCH', 'other bytes', (r) => problem(r, 'digest-mismatch'), 'damaged digest-mismatch'],
    ['PATCH', 'no room', (r) => problem(r, 'disk-reserve'), 'transient disk-reserve'],
    ['PATCH', 'the credential was revoked', (r) => problem(r, 'credential-invalid'), 'held credential-invalid'],
    ['HEAD', 'the credential was revoked', (r) => problem(r, 'credential-invalid'), 'held credential-invalid'],
    ['HEAD', 'other bytes', (r) => problem(r, 'digest-mismatch'), 'damaged digest-mismatch'],
    ['HEAD', 'no room to store it', (r) => problem(r, 'disk-full'), 'transient disk-full'],
    ['HEAD', 'a failing proxy', (r) => answer(r, 503, ''), 'transient http-503'],
    // A HEAD's answer has no cure in it: the PUT's has.
    ['HEAD', 'refused by the gate when stored', (r) => problem(r, 'commit-blocked'), 'shipped'],
    ['HEAD', 'no uploads any more', (r) => problem(r, 'not-found'), 'shipped'],
    ['PATCH', 'a method that a proxy refuses', (r) => answer(r, 405, ''), 'shipped'],
    ['PATCH', 'locked', (r) => answer(r, 423, ''), 'upload-odd-answer'],
    ['PATCH', "a lock's take-over", (r) => answer(r, 400, { detail: 'Request aborted' }), 'upload-odd-answer'],
    ['PATCH', 'a checksum', (r) => answer(r, 460, ''), 'upload-odd-answer'],
    ['PATCH', "tus' own 412", (r) => answer(r, 412, { detail: 'Tus-Resumable Required' }), 'upload-odd-answer'],
    ['PATCH', "tus' own 413", (r) => answer(r, 413, { detail: "upload's size exceeded" }), 'upload-odd-answer'],
    ['PATCH', 'no offset', (r) => !!r.writeHead(204).end(), 'upload-odd-answer'],
    [
      'HEAD',
      'an offset beyond its end',
      (r) => !!r.writeHead(200, { 'Upload-Offset': '9e9' }).end(),
      'upload-odd-answer',
    ],
    ['PATCH', 'another offset, without end', (r) => problem(r, 'upload-offset-mismatch'), 'upload-unsettled'],
    ['HEAD', 'expired, without end', (r) => problem(r, 'upload-expired'), 'upload-unsettled'],
  ] as [string, string, (response: Parameters<typeof answer>[0]) => true, string][]) {
    test(`${method}: ${what}`, async (t) => {
      const receiver = await begun(t);
      receiver.inPlace = (request, response) => {
        const isEndless = outcome === 'upload-unsettled' && method === 'HEAD' && request.method === 'PATCH';
        return (request.method === method && respond(response)) || (isEndless && problem(response, 'upload-not-found'));
      };
      const attempt = shipperTo(t, receiver.url).send(episodeOf());
      if (outcome.startsWith('upload-')) await assert.rejects(attempt, { code: outcome, retryable: true });
      else assert.equal(await attempt, outcome);
      assert.ok(receiver.seen.length <= 10, receiver.methods.join());
    });
  }

  test('parts that something on the way refuses again and again: it goes by PUT', async (t) => {
    const receiver = await begun(t);
    receiver.inPlace = (request, response) => request.method === 'PATCH' && answer(response, 403, '<html>');
    const shipper = shipperTo(t, receiver.url);
    for (const attempt of [1, 2]) {
      await assert.rejects(shipper.send(episodeOf()), { code: 'upload-odd-answer' }, `attempt ${attempt}`);
      assert.equal(await shipper.send(episodeOf(100)), 'shipped', 'a small one in between changes nothing');
    }
    assert.equal(await shipper.send(episodeOf()), 'shipped');
    assert.equal(receiver.methods.at(-1), 'PUT');
  });

  test('a disk that takes no note: it goes on all the same', async (t) => {
    const receiver = await TusReceiver.start(t, join(root, 'receiver'));
    const episode = episodeOf();
    mkdirSync(`${uploadNoteFile(episode.tarballPath)}.tmp`);
    const shipper = shipperTo(t, receiver.url);
    assert.equal(await shipper.send(episode), 'duplicate');
    assert.deepEqual(receiver.methods, ['POST', 'PATCH', 'POST']);
    assert.match(shipper.log.join(), /cannot be noted/);
  });

  for (const code of ['upload-offset-mismatch', undefined] as const) {
    test(`a PATCH at another offset (${code ?? 'without a code'}) asks where it stands and goes on`, async (t) => {
      const receiver = await begun(t);
      let isTold = false;
      receiver.inPlace = (request, response) => {
        if (request.method !== 'PATCH' || isTold) return false;
        isTold = true;
        return code ? problem(response, code) : answer(response, 409, { detail: 'Upload-Offset conflict' });
      };
      assert.equal(await shipperTo(t, receiver.url).send(episodeOf()), 'duplicate');
      assert.deepEqual(receiver.methods, ['HEAD', 'GET', 'PATCH', 'HEAD', 'PATCH', 'POST']);
    });
  }
});

describe('a smaller episode', () => {
  const small = { resumableAboveBytes: () => 16 * MIB };

  test('goes by PUT', async (t) => {
    const receiver = await TusReceiver.start(t, join(root, 'receiver'));
    assert.equal(await shipperTo(t, receiver.url, small).send(episodeOf()), 'shipped');
    assert.deepEqual(receiver.methods, ['PUT']);
  });

  for (const [sizeBytes, methods] of [
    [3 * MIB, ['PUT', 'POST', 'PATCH', 'POST']],
    [MIB, ['PUT', 'PUT']],
  ] satisfies [number, string[]][]) {
    test(`of ${sizeBytes} bytes whose PUT was cut off on the way then goes by ${methods[1]}`, async (t) => {
      const receiver = await TusReceiver.start(t, join(root, 'receiver'));
      let isCut = false;
      receiver.inPlace = (request, response) => {
        if (isCut) return false;
        isCut = true;
        response.writeContinue();
        request.once('data', () => request.socket.destroy());
        return true;
      };
      const shipper = shipperTo(t, receiver.url, small);
      const episode = episodeOf(sizeBytes);
      await assert.rejects(shipper.send(episode));
      await shipper.send(episode);
      assert.deepEqual(receiver.methods, methods);
    });
  }
});

test('an upload goes no faster than it may', async (t) => {
  const receiver = await TusReceiver.start(t, join(root, 'receiver'));
  const sleptMs: number[] = [];
  let nowMs = 0;
  const clock = {
    ...systemClock,
    monotonicMs: () => nowMs,
    sleep: async (ms: number) => {
      sleptMs.push(ms);
      nowMs += ms;
    },
  };
  const shipper = shipperTo(t, receiver.url, { bandwidthLimit: new BandwidthLimit(MIB, clock) });
  assert.equal(await shipper.send(episodeOf(4 * MIB)), 'duplicate');
  const waitedMs = sleptMs.reduce((sum, ms) => sum + ms, 0);
  assert.ok(waitedMs >= 3_800, `${waitedMs}`);
});

test('a stop ends an upload, and what has arrived counts', async (t) => {
  const receiver = await TusReceiver.start(t, join(root, 'receiver'));
  const stop = new AbortController();
  const shipper = shipperTo(t, receiver.url, { onSent: (bytes) => bytes > 0 && stop.abort() });
  const episode = episodeOf();
  await assert.rejects(shipper.put('lab-07', episode, stop.signal));
  assert.ok(existsSync(uploadNoteFile(episode.tarballPath)));
  assert.ok(receiver.files.every((path) => statSync(path).size < episode.sizeBytes));
  assert.equal(await shipperTo(t, receiver.url).send(episode), 'duplicate');
  // The second is for the receipt.
  assert.equal(receiver.methods.filter((method) => method === 'POST').length, 2);
  assert.deepEqual(receiver.methods.slice(-2), ['PATCH', 'POST']);
});

test('a stalled upload is given up', async (t) => {
  const receiver = await TusReceiver.start(t, join(root, 'receiver'));
  receiver.inPlace = (request, response) => {
    if (request.method !== 'PATCH') return false;
    response.writeContinue();
    return true;
  };
  const shipper = shipperTo(t, receiver.url, { idleTimeoutMs: 500 });
  await assert.rejects(shipper.send(episodeOf()), { code: 'idle-timeout' });
});
