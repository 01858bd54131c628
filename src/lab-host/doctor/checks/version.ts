// The stamp of the installed code, and how far that is behind the head of the branch.

import { join } from 'node:path';
import { z } from 'zod';
import { readIfThere } from '../../../lib/read-if-there.ts';
import { type CheckResult, green, red, unknown, yellow } from '../../../lib/self-check/check-result.ts';
import { parseVersionFile } from '../../../protocol/episode-meta.ts';
import type { Check } from '../check.ts';
import type { DoctorContext } from '../doctor-context.ts';
import { LOOK_LIMIT_MS } from './receiver-layers.ts';

const verdictSchema = z.object({
  verdict: z.enum(['accepted', 'refused', 'unknown']).catch('unknown'),
  code: z.string().optional().catch(undefined),
  head_commit: z.string().nullish().catch(undefined),
  head_distance: z.number().optional().catch(undefined),
  remediation: z.string().optional().catch(undefined),
});
const statusSchema = z.object({
  enabled: z.boolean().optional().catch(undefined),
  window: z.number().positive().nullish().catch(undefined),
});

export const versionCheck: Check<'version'> = {
  id: 'version',
  timeoutMs: LOOK_LIMIT_MS,
  async run(context) {
    const path = join(context.installRoot, 'VERSION');
    const text = await readIfThere(path);
    const { stamp } = context.cures;
    if (text === undefined) return red(`there is no ${path}: nothing is recorded without a stamp`, ...stamp);
    const version = parseVersionFile(text);
    if (!version) return red(`${path} names no full commit: nothing is recorded under it`, ...stamp);
    const { commit, dirty } = version;
    return await againstHead(`${commit.slice(0, 12)}${dirty ? ', from a modified tree' : ''}`, context);
  },
};

async function againstHead(stamped: string, { receiver, cures, config }: DoctorContext): Promise<CheckResult> {
  const gate = await receiver.gate();
  if (gate.kind === 'not-reached') return unknown(`${stamped}; not compared with the head: ${gate.failed} fails first`);
  if (!gate.value) return green(`${stamped}; this receiver cannot be asked for the head`);
  const { verdict, code, head_commit, head_distance, remediation } = verdictSchema.parse(gate.value.verdict);
  const { enabled, window } = statusSchema.parse(gate.value.status);
  const update = remediation === undefined ? cures.update : remediation.split('\n');
  if (verdict === 'refused') {
    const head = head_commit ? `; the head is ${head_commit.slice(0, 12)}` : '';
    return red(`${stamped}: the gate refuses it with ${code ?? 'no code'}${head}`, ...update);
  }
  if (enabled === false) return green(`${stamped}; the gate is off`);
  if (verdict === 'unknown') return unknown(`${stamped}; the gate cannot tell now`, cures.cis490('shipper --ping'));
  if (head_distance === undefined) return green(`${stamped} is accepted`);
  const behind = head_distance === 0 ? `${stamped} is the head` : `${stamped} is ${head_distance} behind the head`;
  if (!window) return green(behind);
  const isClose = head_distance >= window * config.doctor.stale_code_ratio;
  return isClose ? yellow(`${behind}, and the window is ${window}: it is refused soon`, ...update) : green(behind);
}
