import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Telemetry } from '../../data-set/read-telemetry.ts';
import { telemetryCharts } from './episode-telemetry.ts';

function telemetry(series: [name: string, unit: string, values: (number | null)[]][], timesS = [0, 1, 2]): Telemetry {
  return {
    startedAt: null,
    timesS,
    series: series.map(([name, unit, values]) => ({ name, unit, values })),
    samples: timesS.length,
    isWhole: true,
  };
}

test('columns of one subject and unit share a chart', () => {
  const { charts, leftOut } = telemetryCharts(
    telemetry([
      ['cpu_user_s', 's/s', [null, 0.123456, 0.5]],
      ['cpu_system_s', 's/s', [null, 0.1, 0.2]],
      ['mem_available_bytes', 'bytes', [1, 2, 3]],
      ['swap_used_bytes', 'bytes', [1, 1, 1]],
      ['net_sent_bytes', 'bytes/s', [null, 5, 6]],
      ['pressure_io_some_avg10_percent', '%', [0, 1, 0]],
      ['temperature', '', [20, 21, 22]],
    ]),
  );
  assert.deepEqual(
    charts.map(({ title, series }) => [title, ...series.map(({ label, unit }) => `${label}:${unit}`)]),
    [
      ['Processor, seconds in each second', 'user:', 'system:'],
      ['Memory, bytes', 'available:bytes', 'swap used:bytes'],
      ['Network, bytes in each second', 'sent:bytes'],
      ['Pressure, percent of the time', 'io some avg10:percent'],
      ['temperature', 'temperature:'],
    ],
  );
  assert.deepEqual(charts[0]?.series[0]?.values, [null, 0.1235, 0.5]);
  assert.deepEqual(new Set(charts.map(({ id }) => id)).size, charts.length);
  assert.deepEqual(leftOut, []);
});

test('what tells nothing, and what is too much, is named and not drawn', () => {
  const many = Array.from({ length: 8 }, (_, index): [string, string, number[]] => [
    `load_${index}min`,
    '',
    [1, 2, index],
  ]);
  const { charts, leftOut } = telemetryCharts(
    telemetry([['cpu_idle_s', 's/s', [null, 1, 1]], ['disk_read_bytes', 'bytes/s', [null, 0, 0]], ...many]),
  );
  assert.deepEqual(
    charts.map(({ series }) => series.map(({ label }) => label)),
    [['0min', '3min', '4min', '5min', '6min', '7min']],
  );
  assert.deepEqual(leftOut, ['cpu_idle_s', 'disk_read_bytes', 'load_1min', 'load_2min']);
});

test('columns that are each a subject of their own are drawn up to a number', () => {
  const many = Array.from({ length: 14 }, (_, index): [string, string, number[]] => [`x${index}`, '', [1, 2, 3]]);
  const { charts, leftOut } = telemetryCharts(telemetry(many));
  assert.deepEqual([charts.length, leftOut], [10, ['x10', 'x11', 'x12', 'x13']]);
});

test('a single sample is no line', () => {
  assert.deepEqual(telemetryCharts(telemetry([['load_1min', '', [1]]], [0])), { charts: [], leftOut: ['load_1min'] });
});
