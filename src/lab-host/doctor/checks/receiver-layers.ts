// The layers of the way to the receiver, one check each, from one look: exactly the first that fails is red, what lies behind it is unknown.

import { green, red, unknown } from '../../../lib/self-check/check-result.ts';
import { cureForHold } from '../../transport/hold-cures.ts';
import type { Check, LabHostCheckId } from '../check.ts';
import { layerCure } from '../layer-cures.ts';

// The limits of its steps are the look's own; all of them slow, and none too slow, are still within this.
export const LOOK_LIMIT_MS = 90_000;

const LAYER_OF = {
  'receiver-name': 'name',
  'receiver-tcp': 'tcp',
  'receiver-packet': 'full-size packet',
  'receiver-tls': 'tls',
  'client-certificate': 'client certificate',
  'receiver-http': 'http',
  credential: 'credential',
  'receiver-contract': 'contract',
  gate: 'gate',
} as const satisfies Partial<Record<LabHostCheckId, string>>;
type LayerCheckId = keyof typeof LAYER_OF;

export const RECEIVER_LAYERS: { readonly [Id in LayerCheckId]: Check<Id> } = {
  'receiver-name': layerCheck('receiver-name'),
  'receiver-tcp': layerCheck('receiver-tcp'),
  'receiver-packet': layerCheck('receiver-packet'),
  'receiver-tls': layerCheck('receiver-tls'),
  'client-certificate': layerCheck('client-certificate'),
  'receiver-http': layerCheck('receiver-http'),
  credential: layerCheck('credential'),
  'receiver-contract': layerCheck('receiver-contract'),
  gate: layerCheck('gate'),
};

function layerCheck<Id extends LayerCheckId>(id: Id): Check<Id> {
  return {
    id,
    timeoutMs: LOOK_LIMIT_MS,
    async run(context) {
      const report = await context.receiver.layer(LAYER_OF[id]);
      if (!report || report.status === 'not reached')
        return unknown(`not reached: ${(await context.receiver.failed())?.layer ?? 'what lies before it'} fails first`);
      if (report.status !== 'failed') return green(report.detail);
      const { code, detail } = report;
      const { advice, commands } = await layerCure(code, context);
      const summary = `${detail} (${code})${advice === '' ? '' : `: ${advice}`}`;
      // Of a receiver that is one, as the layers before have shown: its remediation is the maintainer's own word.
      const isTold = id === 'gate' && report.cure !== cureForHold(code);
      return red(summary, ...(isTold ? report.cure.split('\n') : commands));
    },
  };
}
