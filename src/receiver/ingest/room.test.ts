import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Reservation, Room } from './room.ts';

const MIB = 1024 ** 2;
const PIECE = 4 * MIB;

/** A disk that bodies are written to: what has arrived is no longer free. */
function diskOf(freeBytes: number) {
  return { freeBytes, look: () => Promise.resolve(disk.freeBytes) };
}
let disk = diskOf(0);
function roomOf(freeBytes: number, minFreeBytes: number): Room {
  disk = diskOf(freeBytes);
  return new Room(disk.look, minFreeBytes);
}

const isRefused = { code: 'disk-reserve', retryable: true };

describe('a declared body', () => {
  test('gets the room down to the reserve, and not a byte more', async () => {
    await roomOf(1_000, 100).reserve(900);
    await assert.rejects(roomOf(1_000, 100).reserve(901), {
      ...isRefused,
      message: /1000 bytes free and keeps 100 in reserve; 901 more/,
    });
  });

  test('of nothing is refused below the reserve', async () => {
    await roomOf(100, 100).reserve(0);
    await assert.rejects(roomOf(99, 100).reserve(0), isRefused);
  });

  test('of nothing is refused for nothing that others were promised; what is refused for that says so', async () => {
    const room = roomOf(1_000, 100);
    room.hold(2_000, 0);
    await room.reserve(0);
    await assert.rejects(room.reserve(1), {
      ...isRefused,
      message: /1000 bytes free, 2000 of them for what is under way, /,
    });
  });

  test('counts until it has arrived or is given up', async () => {
    const room = roomOf(1_000, 0);
    const first = await room.reserve(600);
    await assert.rejects(room.reserve(500), isRefused);
    first.release();
    const second = await room.reserve(500);
    await assert.rejects(room.reserve(501), isRefused);
    disk.freeBytes -= 500;
    await second.received(500);
    await room.reserve(500);
  });

  test('counts for what is still to come', async () => {
    const room = roomOf(1_000, 0);
    const first = await room.reserve(600);
    disk.freeBytes -= 400;
    await first.received(400);
    await assert.rejects(room.reserve(401), isRefused);
    await room.reserve(400);
  });

  test('is given up once, however often that is said', async () => {
    const room = roomOf(1_000, 0);
    const first = await room.reserve(600);
    await room.reserve(400);
    first.release();
    first.release();
    await assert.rejects(room.reserve(601), isRefused);
    await room.reserve(600);
  });

  test('that was refused holds nothing', async () => {
    const room = roomOf(1_000, 0);
    await assert.rejects(room.reserve(1_001), isRefused);
    await room.reserve(1_000);
  });
});

describe('a disk that cannot be looked at', () => {
  const failure = new Error('EIO');
  const lookAt = (...looks: (number | Error)[]) => {
    const left = looks.values();
    return async () => {
      const { value } = left.next();
      if (typeof value === 'number') return value;
      throw value ?? new Error('looked at too often');
    };
  };

  test('refuses for its own reason, and nothing stays claimed', async () => {
    const room = new Room(lookAt(failure, 1_000, failure, 1_000), 0);
    await assert.rejects(room.reserve(600), failure);
    (await room.reserve(1_000)).release();
    await assert.rejects(room.reserve(600), failure);
    await room.reserve(1_000);
  });

  test('ends a body of unknown length, and nothing stays claimed', async () => {
    const room = new Room(lookAt(2 * PIECE, failure, PIECE), 0);
    const body = await room.reserve(undefined);
    await assert.rejects(body.received(PIECE + 1), failure);
    body.release();
    await room.reserve(PIECE);
  });
});

describe('a body of unknown length', () => {
  test('claims its room piece by piece', async () => {
    const room = roomOf(2 * PIECE, 0);
    const body = await room.reserve(undefined);
    await assert.rejects(room.reserve(PIECE + 1), isRefused);
    (await room.reserve(PIECE)).release();
    disk.freeBytes -= PIECE;
    await body.received(PIECE);
    await body.received(PIECE + 1);
    await assert.rejects(room.reserve(2), isRefused);
  });

  test('is refused before its first byte when there is no room for a piece', async () => {
    await assert.rejects(roomOf(PIECE - 1, 0).reserve(undefined), isRefused);
  });

  test('is refused when it outgrows the room, and then holds nothing', async () => {
    const room = roomOf(PIECE + 10, 0);
    const body = await room.reserve(undefined);
    disk.freeBytes -= PIECE;
    await body.received(PIECE);
    await assert.rejects(body.received(PIECE + 1), isRefused);
    body.release();
    await room.reserve(10);
  });
});

describe('many at once', () => {
  test('two that fit alone and not together never both get it', async () => {
    const room = roomOf(1_000, 0);
    const outcomes = await Promise.allSettled([room.reserve(600), room.reserve(600)]);
    assert.ok(outcomes.filter(({ status }) => status === 'fulfilled').length <= 1);
    await Promise.allSettled(outcomes.map((outcome) => outcome.status === 'fulfilled' && outcome.value.release()));
    await room.reserve(1_000);
  });

  test('all that fit together get it', async () => {
    const room = roomOf(1_000, 0);
    await Promise.all(Array.from({ length: 10 }, () => room.reserve(100)));
    await assert.rejects(room.reserve(1), isRefused);
  });

  test('never more than there is, whatever they claim and whenever they end; and all of it comes back', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('claim' as const), bytes: fc.integer({ min: 0, max: 700 }) }),
      fc.record({ kind: fc.constant('end' as const), which: fc.nat() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { maxLength: 4 }), { maxLength: 8 }), async (rounds) => {
        const room = roomOf(1_000, 100);
        const held: { bytes: number; reservation: Reservation }[] = [];
        const act = async (it: (typeof rounds)[number][number]) => {
          if (it.kind === 'end') return held.splice(it.which % (held.length || 1), 1)[0]?.reservation.release();
          const reservation = await room.reserve(it.bytes).catch(() => undefined);
          if (reservation) held.push({ bytes: it.bytes, reservation });
        };
        for (const round of rounds) {
          await Promise.all(round.map(act));
          assert.ok(held.reduce((sum, { bytes }) => sum + bytes, 0) <= 900);
        }
        for (const { reservation } of held) reservation.release();
        await room.reserve(900);
      }),
      { numRuns: 300 },
    );
  });
});
