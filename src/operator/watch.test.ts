import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../lib/clock.ts';
import { watch } from './watch.ts';

const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';

/** Each sleep ends at once and is told; `readings` in turn, then the stop signal. */
function setUp(isTTY: boolean, readings: (string | Error)[]) {
  const stop = new AbortController();
  const written: string[] = [];
  const pauses: number[] = [];
  const resizes = new Set<() => void>();
  const clock: Clock = {
    wallTime: () => '2026-05-01T12:00:00.000000+00:00',
    monotonicMs: () => 0,
    sleep: async (ms) => {
      pauses.push(ms);
      if (readings.length === 0) stop.abort();
    },
  };
  const output = {
    isTTY,
    columns: 20,
    rows: 3,
    write: (text: string) => written.push(text),
    on: (_event: 'resize', listener: () => void) => resizes.add(listener),
    off: (_event: 'resize', listener: () => void) => resizes.delete(listener),
  };
  const run = () =>
    watch({
      read: async () => {
        const next = readings.shift();
        if (next instanceof Error) throw next;
        return next ?? '';
      },
      draw: (value, { rows }) => [`${value} in ${rows ?? 'all'}`, 'b', 'c', 'd'],
      output,
      environment: { NO_COLOR: '1' },
      clock,
      stop: stop.signal,
    });
  return { run, written, pauses, resizes, stop, output };
}

test('on a screen of its own, every 5 s, no higher than it is, and the terminal is as before', async () => {
  const { run, written, pauses, resizes } = setUp(true, ['one', 'two']);
  await run();
  assert.deepEqual(written, [
    ENTER,
    '\x1b[Hone in 3\x1b[K\r\nb\x1b[K\r\nc\x1b[K\x1b[J',
    '\x1b[Htwo in 3\x1b[K\r\nb\x1b[K\r\nc\x1b[K\x1b[J',
    LEAVE,
  ]);
  assert.deepEqual(pauses, [5_000, 5_000]);
  assert.equal(resizes.size, 0);
});

test('what is piped is one text after the other', async () => {
  const { run, written } = setUp(false, ['one', 'two']);
  await run();
  assert.deepEqual(written, ['one in all\nb\nc\nd\n\n', 'two in all\nb\nc\nd\n\n']);
});

test('a failure of the first reading leaves the terminal alone', async () => {
  const { run, written } = setUp(true, [new Error('no receiver')]);
  await assert.rejects(run(), { message: 'no receiver' });
  assert.deepEqual(written, []);
});

test('a later one is told above what was read last, until it is over', async () => {
  const { run, written } = setUp(false, ['one', new Error('gone\x1b[2J'), 'two']);
  await run();
  assert.deepEqual(
    written.map((text) => text.split('\n').slice(0, 2)),
    [
      ['one in all', 'b'],
      ['gone?[2J; tried again, below is what was read last', 'one in all'],
      ['two in all', 'b'],
    ],
  );
});

test('a drawing that fails still gives the terminal back', async () => {
  const { output, written, stop } = setUp(true, []);
  const failing = watch({
    read: async () => '',
    draw: () => {
      throw new Error('broken');
    },
    output,
    environment: {},
    clock: { wallTime: () => '', monotonicMs: () => 0, sleep: async () => undefined },
    stop: stop.signal,
  });
  await assert.rejects(failing, { message: 'broken' });
  assert.deepEqual(written, [ENTER, LEAVE]);
});
