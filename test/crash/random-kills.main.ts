// npm run test:crash -- --kills N --seed S [--hosts H]

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { randomKills } from './random-kills.ts';

const { values } = parseArgs({
  options: { kills: { type: 'string' }, seed: { type: 'string' }, hosts: { type: 'string' } },
});
const kills = Number(values.kills ?? 200);
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const hosts = Number(values.hosts ?? 3);
const root = mkdtempSync(join(tmpdir(), 'cis490-kills-'));
process.stdout.write(`random kills: ${kills}, seed ${seed}, ${hosts} hosts, in ${root}\n`);
const result = await randomKills({ root, kills, seed, hosts, onKill: (line) => process.stdout.write(`${line}\n`) });
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
if (result.faults.length === 0) rmSync(root, { recursive: true });
process.exitCode = result.faults.length === 0 ? 0 : 1;
