// The libraries that Node needs of the system.

import { lookForLibraries } from '../../../lib/self-check/libraries.ts';
import type { Check } from '../check.ts';

export const librariesCheck: Check<'libraries'> = {
  id: 'libraries',
  timeoutMs: 15_000,
  run: ({ run }) => lookForLibraries(run),
};
