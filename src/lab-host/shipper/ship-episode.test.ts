import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { publishEpisode, sha256 } from '../../../test/support/episodes.ts';
import { makeDirectory, removeDirectory } from '../../../test/support/temporary-directory.ts';
import { type AfterStep, noStepObserver } from '../../lib/after-step.ts';
import type { Clock } from '../../lib/clock.ts';
import { parsePlainLogLine } from '../../lib/log-line.ts';
import { createLogger } from '../../lib/logger.ts';
import { makeProblem, type ProblemCode, type ProblemExtras } from '../../protocol/problem.ts';
import { formatUpdateState } from '../../protocol/update-state.ts';
import { type DataLayout, dataLayout, makeDataDirectories, outboxFiles } from '../data-layout.ts';
import type { ReceiverAnswer } from '../transport/classify-answer.ts';
import { writeReason, writeReceipt } from './episode-notes.ts';
import { GateMemory } from './gate-memory.ts';
import { HeldBack } from './held-back.ts';
import type { PackedEpisode } from './pack-episode.ts';
import type { Transport } from './put-episode.ts';
import { ReceiverLink } from './receiver-link.ts';
import { RefusalBrake } from './refusal-brake.ts';
import { ReleaseTrial } from './release-trial.ts';
import type { ShipDependencies, ShipOutcome } from './ship-dependencies.ts';
import { shipEpisode } from './ship-episode.ts';
import type { ShipperStep } from './shipper-step.ts';
import { Uptime } from './uptime.ts';

const HOST = 'lab-07';
const COMMIT = 'a'.repeat(40);
const WALL = '2026-05-01T06:37:53.830599+00:00';
const NEVER = new AbortController().signal;

/** Answers as it is told to; `seen` is what each attempt would have sent. */
class ScriptedTransport implements Transport {
  readonly seen: { hostId: string; episode: PackedEpisode; bytes: Buffer }[] = [];
  answer: (episode: PackedEpisode, stop: AbortSignal) => Promise<ReceiverAnswer> | ReceiverAnswer = () =>
    assert.fail('an attempt was made');

  async put(hostId: string, episode: PackedEpisode, stop: AbortSignal): Promise<ReceiverAnswer> {
    this.seen.push({ hostId, episode, bytes: readFileSync(episode.tarballPath) });
    return await this.answer(episode, stop);
  }

  /** What the gate says when it is asked; by default an older receiver's answer. */
  gate: () => ReceiverAnswer = () => ({ ...json(404, {}) });

  async ask(): Promise<ReceiverAnswer> {
    return this.gate();
  }

  close(): void {
    assert.fail('closed by an episode');
  }
}

let root: string;
let layout: DataLayout;
let nowMs: number;
let log: string[];
let transport: ScriptedTransport;
let link: ReceiverLink;
let tallies: ShipDependencies['tallies'];
let dependencies: ShipDependencies;

beforeEach(async () => {
  root = makeDirectory();
  layout = dataLayout(root);
  await makeDataDirectories(layout);
  nowMs = 0;
  log = [];
  transport = new ScriptedTransport();
  // Whoever sleeps passes the time.
  const clock: Clock = {
    wallTime: () => WALL,
    monotonicMs: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms;
    },
  };
  const write = (line: string) => log.push(line.trimEnd());
  link = new ReceiverLink(clock, () => 1);
  tallies = new Map();
  dependencies = {
    hostId: HOST,
    layout,
    zstdLevel: 3,
    transport,
    link,
    patience: 'patient',
    tallies,
    gateMemory: new GateMemory(transport, clock),
    brake: new RefusalBrake(),
    heldBack: new HeldBack(clock),
    trial: new ReleaseTrial(join(layout.root, 'data')),
    uptime: await Uptime.load(layout.uptimeFile, clock),
    clock,
    logger: createLogger({ level: 'info', form: 'plain', clock, write }),
    afterStep: noStepObserver,
    onVerdict: () => undefined,
    onWork: () => undefined,
  };
});
afterEach(() => removeDirectory(root));

function publish(episodeId = 'e'): void {
  publishEpisode(root, HOST, { episodeId, commit: COMMIT, files: { data: 'x'.repeat(1_000) } });
}

const ship = (more: { episodeId?: string; stop?: AbortSignal; afterStep?: AfterStep<ShipperStep> } = {}) =>
  shipEpisode(
    { ...dependencies, afterStep: more.afterStep ?? noStepObserver },
    more.episodeId ?? 'e',
    more.stop ?? NEVER,
  );

function json(status: number, body: object): ReceiverAnswer {
  return { status, contentType: 'application/json', body: JSON.stringify(body), retryAfterS: undefined };
}

function problem(code: ProblemCode, extras: ProblemExtras = {}, retryAfterS?: number): ReceiverAnswer {
  const body = makeProblem(code, `why ${code}`, 'r-1', extras);
  return { ...json(body.status, body), contentType: 'application/problem+json', retryAfterS };
}

const stored = ({ episodeId, sha256: digest }: PackedEpisode) =>
  json(201, { status: 'stored', host_id: HOST, episode_id: episodeId, sha256: digest, seq: 7 });

/** `LEVEL message` of each line. */
const told = () => log.map((line) => parsePlainLogLine(line)).map((it) => `${it?.level} ${it?.message}`);
const fieldsOf = (message: string) =>
  log.map((line) => parsePlainLogLine(line)).find((it) => it?.message === message)?.fields;
const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const namesIn = (directory: string) => readdirSync(directory).sort();

const PACKED = 'INFO episode packed';
const HELD =
  'ERROR shipping is held: nothing is lost, everything waits, one attempt a minute looks whether it is cured';

function isWaitingWhole(): void {
  assert.deepEqual(namesIn(layout.episodes), ['e']);
  assert.deepEqual(namesIn(join(layout.episodes, 'e')), ['data', 'meta.json']);
  assert.deepEqual([...namesIn(layout.shipped), ...namesIn(layout.quarantine)], []);
}

describe('an episode that the receiver has', () => {
  for (const [outcome, status, log201] of [
    ['shipped', 201, 'shipped'],
    ['duplicate', 200, 'duplicate'],
  ] satisfies [ShipOutcome, number, string][]) {
    test(`is retired with its receipt: ${outcome}`, async () => {
      publish();
      transport.answer = (episode) => ({ ...stored(episode), status });
      const steps: ShipperStep[] = [];
      assert.equal(await ship({ afterStep: (step) => steps.push(step) }), outcome);
      assert.deepEqual(steps.slice(-4), ['receipt-written', 'moved-to-shipped', 'shipped-synced', 'tarball-removed']);
      const [sent, ...more] = transport.seen;
      assert.ok(sent && more.length === 0);
      assert.equal(sent.hostId, HOST);
      assert.equal(sent.episode.sha256, sha256(sent.bytes));
      assert.equal(sent.episode.stamp.commit, COMMIT);
      assert.deepEqual(readJson(join(layout.shipped, 'e/receipt.json')), {
        status: 'stored',
        host_id: HOST,
        episode_id: 'e',
        sha256: sent.episode.sha256,
        seq: 7,
        shipped_at_wall: WALL,
        shipper_uptime_s: 0,
      });
      assert.deepEqual(namesIn(join(layout.shipped, 'e')), ['data', 'meta.json', 'receipt.json']);
      assert.deepEqual([...namesIn(layout.episodes), ...namesIn(layout.outbox), ...namesIn(layout.quarantine)], []);
      assert.deepEqual(told(), [PACKED, 'INFO episode shipped']);
      assert.deepEqual(fieldsOf('episode shipped'), {
        episode: 'e',
        outcome: log201,
        bytes: String(sent.episode.sizeBytes),
        seq: '7',
      });
      assert.equal(tallies.size, 0);
      assert.equal(link.trouble, undefined);
    });
  }

  test('ends the trouble that there was', async () => {
    publish();
    link.failed('econnrefused', undefined);
    transport.answer = stored;
    assert.equal(await ship(), 'shipped');
    assert.equal(link.trouble, undefined);
  });

  for (const [title, named] of [
    ['of another host', { host_id: 'lab-08' }],
    ['of another episode', { episode_id: 'f' }],
    ['of other bytes', { sha256: 'cd'.repeat(32) }],
  ]) {
    test(`is not told by an answer ${title}: it stays`, async () => {
      publish();
      transport.answer = () => json(201, { status: 'stored', ...Object(named) });
      assert.equal(await ship(), 'waiting');
      isWaitingWhole();
      assert.equal(link.trouble?.code, 'unexpected-answer');
    });
  }
});

describe('an episode that is refused for good', () => {
  test('goes to quarantine with the reason, and the cure is logged line by line', async () => {
    publish();
    const remediation = 'git pull\nsystemctl restart recorder';
    transport.answer = () => problem('commit-not-in-window', { remediation, head_commit: 'b'.repeat(40) });
    assert.equal(await ship(), 'quarantined');
    assert.deepEqual(readJson(join(layout.quarantine, 'e/quarantine_reason.json')), {
      episode_id: 'e',
      quarantined_at_wall: WALL,
      status: 412,
      code: 'commit-not-in-window',
      detail: 'why commit-not-in-window',
      remediation,
      commit: COMMIT,
      head_commit: 'b'.repeat(40),
      attempts: 1,
      shipper_uptime_s: 0,
    });
    assert.deepEqual(told(), [
      PACKED,
      'ERROR episode refused and quarantined',
      'ERROR remediation: git pull',
      'ERROR remediation: systemctl restart recorder',
    ]);
    assert.deepEqual(fieldsOf('remediation: git pull'), { episode: 'e', code: 'commit-not-in-window' });
    assert.deepEqual([...namesIn(layout.episodes), ...namesIn(layout.outbox), ...namesIn(layout.shipped)], []);
    assert.equal(tallies.size, 0);
    assert.equal(link.trouble, undefined);
  });

  test('is told how often it was tried, in whatever way it failed before', async () => {
    publish();
    for (const code of ['disk-full', 'forbidden'] as const) {
      transport.answer = () => problem(code);
      assert.equal(await ship(), 'waiting');
    }
    transport.answer = () => problem('too-large');
    assert.equal(await ship(), 'quarantined');
    assert.equal(readJson(join(layout.quarantine, 'e/quarantine_reason.json')).attempts, 3);
  });

  for (const [episodeId, code] of [
    ['-not-an-id', 'bad-episode-id'],
    ['n'.repeat(129), 'bad-episode-id'],
  ] as const) {
    test(`here already, without an attempt: ${episodeId.slice(0, 12)}`, async () => {
      publish(episodeId);
      assert.equal(await ship({ episodeId }), 'quarantined');
      const reason = readJson(join(layout.quarantine, episodeId, 'quarantine_reason.json'));
      assert.deepEqual([reason.code, reason.status, reason.attempts, reason.commit], [code, 0, 0, null]);
      assert.equal(transport.seen.length, 0);
    });
  }

  test('stays when it cannot be moved, and is tried again', async () => {
    publish();
    rmSync(layout.quarantine, { recursive: true });
    transport.answer = () => problem('too-large');
    assert.equal(await ship(), 'waiting');
    assert.deepEqual(told(), [PACKED, 'ERROR refused episode could not be moved to quarantine; it stays']);
    assert.ok(existsSync(join(layout.episodes, 'e/data')));
    mkdirSync(layout.quarantine);
    assert.equal(await ship(), 'quarantined');
    assert.equal(transport.seen.length, 1);
  });
});

describe('an episode that arrived otherwise than it was packed', () => {
  const packings = () => told().filter((line) => line === PACKED).length;
  const NEXT = 'episode did not arrive as it was packed';

  test('is sent again as it is when its tarball is intact', async () => {
    publish();
    transport.answer = () => problem('digest-mismatch');
    assert.equal(await ship(), 'waiting');
    assert.equal(fieldsOf(NEXT)?.['next'], 'send it again');
    assert.deepEqual(link.trouble, { kind: 'transient', code: 'digest-mismatch', failures: 1, nextTryAtMs: 1_000 });
    isWaitingWhole();
    transport.answer = stored;
    assert.equal(await ship(), 'shipped');
    assert.equal(packings(), 1);
    assert.deepEqual(transport.seen[1]?.bytes, transport.seen[0]?.bytes);
  });

  for (const [title, spoil] of [
    ['other bytes', (path: string) => writeFileSync(path, readFileSync(path).fill(0))],
    ['no file', (path: string) => rmSync(path)],
  ] satisfies [string, (path: string) => void][]) {
    test(`is packed anew when its tarball has ${title}`, async () => {
      publish();
      transport.answer = ({ tarballPath }) => {
        spoil(tarballPath);
        return problem('digest-mismatch');
      };
      assert.equal(await ship(), 'waiting');
      assert.equal(fieldsOf(NEXT)?.['next'], 'pack it anew');
      assert.deepEqual(namesIn(layout.outbox), []);
      isWaitingWhole();
      transport.answer = stored;
      assert.equal(await ship(), 'shipped');
      assert.equal(packings(), 2);
      assert.deepEqual(transport.seen[1]?.bytes, transport.seen[0]?.bytes);
    });
  }

  test('is packed anew when its tarball could not be read', async () => {
    publish();
    transport.answer = ({ tarballPath }) => {
      rmSync(tarballPath);
      throw Object.assign(new Error('EIO'), { code: 'tarball-unreadable' });
    };
    assert.equal(await ship(), 'waiting');
    assert.deepEqual(namesIn(layout.outbox), []);
    assert.equal(link.trouble?.code, 'tarball-unreadable');
  });

  test('three times: then all waits for a person', async () => {
    publish();
    transport.answer = () => problem('digest-mismatch');
    for (const kind of ['transient', 'transient', 'held']) {
      assert.equal(await ship(), 'waiting');
      assert.equal(link.trouble?.kind, kind);
    }
    assert.equal(told().filter((line) => line === HELD).length, 1);
    assert.match(fieldsOf(HELD.slice('ERROR '.length))?.['cure'] ?? '', /check memory and disk/);
    isWaitingWhole();
  });

  test('counts apart from attempts that failed in another way, and from other episodes', async () => {
    publish();
    publish('f');
    for (const code of [
      'disk-full',
      'forbidden',
      'disk-full',
      'digest-mismatch',
      'stopping',
      'digest-mismatch',
    ] as const) {
      transport.answer = () => problem(code);
      assert.equal(await ship(), 'waiting');
    }
    assert.equal(link.trouble?.kind, 'transient');
    assert.deepEqual(tallies.get('e'), { attempts: 6, damaged: 2, changing: 0 });
    transport.answer = () => problem('digest-mismatch');
    assert.equal(await ship({ episodeId: 'f' }), 'waiting');
    assert.equal(link.trouble?.kind, 'transient');
    assert.equal(await ship(), 'waiting');
    assert.equal(link.trouble?.kind, 'held');
  });
});

describe('an episode that is not the reason', () => {
  test('waits while the receiver has trouble, for as long as it asks and more', async () => {
    publish();
    transport.answer = () => problem('disk-full', {}, 30);
    assert.equal(await ship(), 'waiting');
    assert.deepEqual(link.trouble, { kind: 'transient', code: 'disk-full', failures: 1, nextTryAtMs: 31_000 });
    assert.deepEqual(told(), [PACKED, 'WARNING episode not shipped yet; it is tried again later']);
    assert.deepEqual(fieldsOf('episode not shipped yet; it is tried again later'), {
      episode: 'e',
      code: 'disk-full',
      status: '507',
      detail: 'why disk-full',
    });
    isWaitingWhole();
    assert.deepEqual(namesIn(layout.outbox), ['e.json', 'e.tar.zst']);
    transport.answer = (episode) => {
      assert.equal(nowMs, 31_000);
      return stored(episode);
    };
    assert.equal(await ship(), 'shipped');
  });

  test('waits when nobody answers', async () => {
    publish();
    transport.answer = () => {
      throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    };
    assert.equal(await ship(), 'waiting');
    assert.deepEqual(link.trouble, { kind: 'transient', code: 'econnrefused', failures: 1, nextTryAtMs: 1_000 });
    isWaitingWhole();
  });

  test('waits while the queue is held, which is told once with its cure, and again for another reason', async () => {
    publish();
    publish('f');
    transport.answer = () => problem('forbidden');
    for (const episodeId of ['e', 'f', 'e']) assert.equal(await ship({ episodeId }), 'waiting');
    assert.equal(transport.seen.length, 3);
    assert.equal(nowMs, 120_000);
    assert.deepEqual(
      told().filter((line) => line !== PACKED),
      [HELD],
    );
    const { cure, ...fields } = fieldsOf(HELD.slice('ERROR '.length)) ?? {};
    assert.deepEqual(fields, { code: 'forbidden', status: '403', detail: 'why forbidden' });
    assert.match(cure ?? '', /compare host_id/);
    transport.answer = () => problem('credential-invalid');
    assert.equal(await ship(), 'waiting');
    assert.deepEqual(
      told().filter((line) => line !== PACKED),
      [HELD, HELD],
    );
    assert.deepEqual(namesIn(layout.episodes), ['e', 'f']);
  });

  test('is neither packed nor sent by an impatient pass while the queue is held', async () => {
    publish();
    link.held('forbidden');
    dependencies.patience = 'impatient';
    assert.equal(await ship(), 'waiting');
    assert.equal(transport.seen.length, 0);
    assert.deepEqual(namesIn(layout.outbox), []);
    isWaitingWhole();
  });
});

describe('while a release is on trial', () => {
  const pending = { from: 'a'.repeat(40), to: 'b'.repeat(40), boots: 0, ticks: 0, max_ticks: 6 };
  const stateFile = () => join(root, 'update-state.json');
  const begin = () => writeFileSync(stateFile(), formatUpdateState({ pending }));
  const end = () => writeFileSync(stateFile(), formatUpdateState({ pending: null }));
  const trialLines = () => told().filter((line) => line.startsWith('ERROR a release is on trial'));

  for (const code of ['commit-not-in-window', 'too-large', 'conflict'] as const) {
    test(`${code} is held, told once, probed once a minute, and quarantined when the trial has ended`, async () => {
      begin();
      publish();
      publish('f');
      transport.answer = () => problem(code);
      for (const episodeId of ['e', 'f', 'e', 'f']) assert.equal(await ship({ episodeId }), 'waiting');
      assert.deepEqual([transport.seen.length, nowMs], [4, 180_000]);
      assert.equal(link.trouble?.kind, 'held');
      assert.equal(link.trouble?.code, 'update-on-trial');
      assert.equal(trialLines().length, 1);
      const fields = fieldsOf((trialLines()[0] ?? '').slice('ERROR '.length));
      assert.deepEqual(
        [fields?.['code'], fields?.['episode'], fields?.['refused_with']],
        ['update-on-trial', 'e', code],
      );
      assert.deepEqual([namesIn(layout.episodes), namesIn(layout.quarantine)], [['e', 'f'], []]);
      end();
      for (const episodeId of ['e', 'f']) assert.equal(await ship({ episodeId }), 'quarantined');
      assert.equal(link.trouble, undefined);
      assert.deepEqual([namesIn(layout.episodes), namesIn(layout.quarantine)], [[], ['e', 'f']]);
    });
  }

  test('what is stored ends the hold, and a refusal after it is not told again', async () => {
    begin();
    publish();
    publish('f');
    transport.answer = () => problem('too-large');
    await ship();
    transport.answer = stored;
    assert.equal(await ship({ episodeId: 'f' }), 'shipped');
    assert.equal(link.trouble, undefined);
    transport.answer = () => problem('too-large');
    assert.equal(await ship(), 'waiting');
    assert.equal(trialLines().length, 1);
  });

  test('what could never be sent waits alone', async () => {
    begin();
    mkdirSync(join(layout.episodes, 'no id'));
    assert.equal(await ship({ episodeId: 'no id' }), 'waiting');
    assert.equal(link.trouble, undefined);
    end();
    assert.equal(await ship({ episodeId: 'no id' }), 'quarantined');
  });

  test('a state that cannot be read is no trial', async () => {
    writeFileSync(stateFile(), '{"pending": {"fr');
    publish();
    transport.answer = () => problem('too-large');
    assert.equal(await ship(), 'quarantined');
  });
});

describe('an episode that changes while it is packed', () => {
  const change: AfterStep<ShipperStep> = (step) => {
    if (step === 'partial-opened') appendFileSync(join(layout.episodes, 'e/data'), 'more');
  };

  test('gets two more tries, then it goes to quarantine', async () => {
    publish();
    for (const outcome of ['waiting', 'waiting', 'quarantined']) {
      assert.equal(await ship({ afterStep: change }), outcome);
      assert.deepEqual(namesIn(layout.outbox), []);
    }
    const { code, status, attempts } = readJson(join(layout.quarantine, 'e/quarantine_reason.json'));
    assert.deepEqual([code, status, attempts], ['episode-changing', 0, 0]);
    assert.deepEqual(namesIn(layout.episodes), []);
    assert.equal(transport.seen.length, 0);
    assert.equal(tallies.size, 0);
  });

  test('is shipped once it has come to its end', async () => {
    publish();
    for (let n = 0; n < 2; n += 1) assert.equal(await ship({ afterStep: change }), 'waiting');
    transport.answer = stored;
    assert.equal(await ship(), 'shipped');
  });
});

describe('an episode that somebody else moves away is gone, and no trouble', () => {
  const moveAway = () => rmSync(join(layout.episodes, 'e'), { recursive: true });

  test('before it is looked at', async () => assert.equal(await ship(), 'gone'));

  test('while it is packed', async () => {
    publish();
    assert.equal(await ship({ afterStep: (step) => void (step === 'partial-opened' && moveAway()) }), 'gone');
    assert.deepEqual(namesIn(layout.outbox), []);
  });

  test('while it is sent', async () => {
    publish();
    transport.answer = (episode) => {
      moveAway();
      return stored(episode);
    };
    assert.equal(await ship(), 'gone');
    assert.equal(link.trouble, undefined);
  });

  afterEach(() => {
    assert.deepEqual(
      told().filter((line) => line !== PACKED),
      [],
    );
    assert.deepEqual([...namesIn(layout.shipped), ...namesIn(layout.quarantine)], []);
  });
});

describe('an episode that nothing can be written into', () => {
  const ALONE =
    'ERROR episode cannot be changed: it stays where it is and is tried again every ten minutes; the others go on';
  const NOBODY = 65_534;
  const isRoot = process.geteuid?.() === 0;
  /** As a service user that is not root, whom modes hold back. */
  const asService = () => {
    if (!isRoot) return;
    for (const name of ['.', ...readdirSync(root, { recursive: true })])
      lchownSync(join(root, String(name)), NOBODY, NOBODY);
    process.seteuid?.(NOBODY);
  };
  afterEach(() => {
    if (isRoot) process.seteuid?.(0);
    if (existsSync(join(layout.episodes, 'e'))) chmodSync(join(layout.episodes, 'e'), 0o755);
  });
  const writeProtect = () => {
    asService();
    chmodSync(join(layout.episodes, 'e'), 0o555);
  };

  test('is sent once and waits alone, told once with the cure; ends in shipped/ without being sent again', async () => {
    publish();
    publish('f');
    writeProtect();
    transport.answer = stored;
    for (let scan = 0; scan < 5; scan += 1) {
      assert.equal(await ship(), 'waiting');
      nowMs += 5_000;
    }
    assert.equal(await ship({ episodeId: 'f' }), 'shipped');
    for (let hour = 0; hour < 3; hour += 1) {
      nowMs += 3_600_000;
      assert.equal(await ship(), 'waiting');
    }
    assert.deepEqual(
      transport.seen.map(({ episode }) => episode.episodeId),
      ['e', 'f'],
    );
    assert.equal(told().filter((line) => line === ALONE).length, 1);
    const { cure, is_stored } = fieldsOf(ALONE.slice('ERROR '.length)) ?? {};
    assert.match(cure ?? '', /sudo chmod u\+rwx \S+\/episodes\/e\b/);
    assert.equal(is_stored, 'true');
    assert.equal(link.trouble, undefined);
    chmodSync(join(layout.episodes, 'e'), 0o755);
    nowMs += 600_000;
    assert.equal(await ship(), 'shipped');
    assert.equal(transport.seen.length, 2);
    assert.equal(readJson(join(layout.shipped, 'e/receipt.json')).seq, 7);
    assert.deepEqual(namesIn(layout.outbox), []);
  });

  test('is not condemned meanwhile by a gate that refuses its code now', async () => {
    publish();
    publish('f');
    writeProtect();
    transport.answer = stored;
    assert.equal(await ship(), 'waiting');
    transport.answer = () => problem('commit-blocked');
    transport.gate = () => json(200, { verdict: 'refused', code: 'commit-blocked' });
    assert.equal(await ship({ episodeId: 'f' }), 'quarantined');
    chmodSync(join(layout.episodes, 'e'), 0o755);
    nowMs += 600_000;
    assert.equal(await ship(), 'shipped');
  });

  test('is sent when another has taken its name', async () => {
    publish();
    writeProtect();
    transport.answer = stored;
    assert.equal(await ship(), 'waiting');
    chmodSync(join(layout.episodes, 'e'), 0o755);
    writeFileSync(join(layout.episodes, 'e/data'), 'another one');
    nowMs += 600_000;
    assert.equal(await ship(), 'shipped');
    assert.equal(transport.seen.length, 2);
  });

  test('and that is refused is not asked about at each scan', async () => {
    publish();
    writeProtect();
    transport.answer = () => problem('too-large');
    for (let scan = 0; scan < 5; scan += 1) assert.equal(await ship(), 'waiting');
    assert.equal(transport.seen.length, 1);
    assert.equal(told().filter((line) => line.startsWith('ERROR')).length, 1);
    chmodSync(join(layout.episodes, 'e'), 0o755);
    nowMs += 600_000;
    assert.equal(await ship(), 'quarantined');
  });
});

test('an answer whose receipt finds no place in the outbox is kept: the episode is not sent again', async () => {
  publish();
  transport.answer = (episode) => {
    rmSync(layout.outbox, { recursive: true });
    return stored(episode);
  };
  await ship();
  await makeDataDirectories(layout);
  assert.equal(await ship(), 'shipped');
  assert.equal(transport.seen.length, 1);
});

describe('a stop', () => {
  test('while it is packed: it waits, and nothing half-written is left', async () => {
    publish();
    const stop = new AbortController();
    const afterStep: AfterStep<ShipperStep> = (step) => {
      assert.equal(step, 'partial-opened');
      stop.abort();
    };
    assert.equal(await ship({ stop: stop.signal, afterStep }), 'waiting');
    assert.deepEqual(namesIn(layout.outbox), []);
    isWaitingWhole();
    assert.deepEqual(log, []);
  });

  test('while it is sent: it waits, and the receiver is not blamed', async () => {
    publish();
    const stop = new AbortController();
    transport.answer = (_, signal) => {
      stop.abort();
      assert.equal(signal.aborted, true);
      throw Object.assign(new Error('aborted'), { code: 'ABORT_ERR' });
    };
    assert.equal(await ship({ stop: stop.signal }), 'waiting');
    assert.equal(link.trouble, undefined);
    assert.deepEqual(told(), [PACKED]);
    isWaitingWhole();
  });

  test('after the answer: the episode is finished all the same', async () => {
    publish();
    const stop = new AbortController();
    transport.answer = (episode) => {
      stop.abort();
      return stored(episode);
    };
    assert.equal(await ship({ stop: stop.signal }), 'shipped');
  });
});

describe('what a crash left is finished without an attempt', () => {
  test('a receipt', async () => {
    publish();
    for (const path of Object.values(outboxFiles(layout, 'e'))) writeFileSync(path, '');
    await writeReceipt(layout, 'e', { seq: 7, shipped_at_wall: WALL, shipper_uptime_s: 0 });
    assert.equal(await ship(), 'shipped');
    assert.deepEqual(namesIn(join(layout.shipped, 'e')), ['data', 'meta.json', 'receipt.json']);
    assert.deepEqual([...namesIn(layout.episodes), ...namesIn(layout.outbox)], []);
  });

  const reason = {
    episode_id: 'e',
    quarantined_at_wall: WALL,
    status: 412,
    code: 'commit-blocked',
    detail: 'x',
    remediation: null,
    commit: COMMIT,
    head_commit: null,
    attempts: 1,
  };

  test('a reason', async () => {
    publish();
    for (const path of Object.values(outboxFiles(layout, 'e'))) writeFileSync(path, '');
    await writeReason(layout, reason);
    assert.equal(await ship(), 'quarantined');
    assert.deepEqual(readJson(join(layout.quarantine, 'e/quarantine_reason.json')), reason);
    assert.deepEqual([...namesIn(layout.episodes), ...namesIn(layout.outbox)], []);
  });

  test('both: what the receiver has is never quarantined', async () => {
    publish();
    await writeReason(layout, reason);
    await writeReceipt(layout, 'e', { shipped_at_wall: WALL, shipper_uptime_s: 0 });
    assert.equal(await ship(), 'shipped');
    assert.deepEqual(namesIn(layout.quarantine), []);
  });

  test("a receipt that is not the shipper's own retires nothing", async () => {
    publish();
    writeFileSync(join(layout.episodes, 'e/receipt.json'), '{"status":"stored"}');
    transport.answer = () => problem('disk-full');
    assert.equal(await ship(), 'waiting');
    assert.equal(transport.seen.length, 1);
  });
});

test('a name of ours that is a directory is the fault of the episode', async () => {
  publish();
  mkdirSync(join(layout.episodes, 'e/receipt.json'));
  assert.equal(await ship(), 'quarantined');
  assert.equal(readJson(join(layout.quarantine, 'e/quarantine_reason.json')).code, 'episode-malformed');
});

test('whatever fails on this machine after an attempt, the next one gets its turn', async () => {
  publish();
  link.failed('econnrefused', undefined);
  // A directory in the place of the tarball can neither be read nor discarded.
  transport.answer = ({ tarballPath }) => {
    rmSync(tarballPath);
    mkdirSync(join(tarballPath, 'inside'), { recursive: true });
    return problem('digest-mismatch');
  };
  assert.equal(await ship(), 'waiting');
  assert.deepEqual(told().at(-1), 'ERROR episode could not be worked on; it stays and is tried again');
  nowMs += 3_600_000;
  // The clock sleeps without end for whoever waits for an attempt that never ends.
  const stop = new AbortController();
  dependencies.clock.sleep = async () => stop.abort();
  assert.equal(await link.admit(stop.signal, 'patient'), 'probe');
});

describe('when many are refused', () => {
  test('the tenth in a row with one code stays, and all is held; one that is taken lets the others go on', async () => {
    const ids = Array.from({ length: 12 }, (_, index) => `e${index}`);
    for (const id of ids) publish(id);
    transport.answer = () => problem('conflict');
    const outcomes: ShipOutcome[] = [];
    for (const episodeId of ids) outcomes.push(await ship({ episodeId }));
    assert.deepEqual(outcomes, [...Array(9).fill('quarantined'), 'waiting', 'waiting', 'waiting']);
    assert.equal(link.trouble?.kind, 'held');
    assert.equal(link.trouble?.code, 'mass-refusal');
    assert.equal(told().filter((line) => line.startsWith('ERROR shipping is held')).length, 1, 'told once');
    transport.answer = stored;
    assert.equal(await ship({ episodeId: 'e11' }), 'shipped');
    assert.equal(link.trouble, undefined);
    transport.answer = () => problem('conflict');
    assert.equal(await ship({ episodeId: 'e10' }), 'quarantined');
  });

  test('of one refused code the others follow without being packed or sent, while the gate says so', async () => {
    for (const id of ['a', 'b', 'c', 'd']) publish(id);
    transport.answer = () => problem('commit-not-in-window', { remediation: 'git pull' });
    transport.gate = () =>
      json(200, {
        verdict: 'refused',
        code: 'commit-not-in-window',
        remediation: 'git pull',
        head_commit: 'f'.repeat(40),
      });
    for (const episodeId of ['a', 'b', 'c']) assert.equal(await ship({ episodeId }), 'quarantined');
    assert.equal(transport.seen.length, 1);
    const reason = JSON.parse(readFileSync(join(layout.quarantine, 'c/quarantine_reason.json'), 'utf8'));
    assert.deepEqual(
      [reason.status, reason.code, reason.commit, reason.head_commit, reason.remediation, reason.attempts],
      [0, 'commit-not-in-window', COMMIT, 'f'.repeat(40), 'git pull', 0],
    );
    assert.equal(told().filter((line) => line === 'ERROR episode refused and quarantined').length, 3);
    assert.equal(told().filter((line) => line === 'ERROR remediation: git pull').length, 1);
    assert.deepEqual(readdirSync(layout.outbox), []);
    nowMs += 60_000;
    transport.gate = () => json(200, { verdict: 'accepted' });
    transport.answer = stored;
    assert.equal(await ship({ episodeId: 'd' }), 'shipped');
  });
});
