// docs/metrics.md names every metric of both programs, as their registries have them, and no other.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Registry } from 'prom-client';
import { ShipperMetrics } from '../src/lab-host/shipper/metrics.ts';
import { systemClock } from '../src/lib/clock.ts';
import { createLogger } from '../src/lib/logger.ts';
import { ReceiverMetrics } from '../src/receiver/metrics/receiver-metrics.ts';

const PAGE = join(import.meta.dirname, '..', 'docs/metrics.md');
const TYPES = ['counter', 'gauge', 'histogram'];

const logger = createLogger({ level: 'error', form: 'plain', clock: systemClock, write: () => undefined });
const receiver = new ReceiverMetrics({
  version: null,
  connectionLimit: 1,
  backupStamp: undefined,
  clock: systemClock,
  logger,
});
const REGISTRIES: [heading: string, registry: Registry][] = [
  ['## What the receiver tells', receiver.registry],
  ['## What a lab host tells', new ShipperMetrics(systemClock).registry],
];

for (const [heading, registry] of REGISTRIES) {
  test(`${heading.slice(3)}: the table is that of the registry`, () => {
    const [, section = ''] = readFileSync(PAGE, 'utf8').split(`${heading}\n`);
    const [here = ''] = section.split(/^## /m);
    const rows = here.split('\n').filter((line) => line.startsWith('| `'));
    assert.deepEqual(rows, rowsOf(registry), `the rows of ${heading}:\n${rowsOf(registry).join('\n')}\n`);
  });
}

function rowsOf(registry: Registry): string[] {
  // prom-client's types leave the label names out.
  const metrics = registry.getMetricsAsArray() as unknown as { name: string; help: string; labelNames: string[] }[];
  return metrics
    .filter(({ name }) => name.startsWith('cis490_'))
    .map((metric) => {
      const labels = metric.labelNames.map((label) => `\`${label}\``).join(', ');
      return `| \`${metric.name}\` | ${typeOf(metric)} | ${labels || '–'} | ${metric.help.replaceAll('|', '\\|')} |`;
    });
}

function typeOf(metric: object): string {
  const type = metric.constructor.name.toLowerCase();
  assert.ok(TYPES.includes(type), type);
  return type;
}
