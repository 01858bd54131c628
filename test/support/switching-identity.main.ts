// Puts one pair after the other in force, as renewals do, as fast as it can. Arguments: identity directory, how often.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { putPair } from '../../src/lab-host/cert-fetch/identity-files.ts';
import { identityLayout } from '../../src/lab-host/identity-layout.ts';

const [root = '', times = '0'] = process.argv.slice(2);
const pairs = ['1', '2'].map((number) => ({
  certPem: readFileSync(join(root, number, 'host.crt'), 'utf8'),
  keyPem: readFileSync(join(root, number, 'host.key'), 'utf8'),
}));
for (let n = 0; n < Number(times); n += 1)
  for (const pair of pairs) await putPair(identityLayout(root), pair, () => undefined);
