// All symptoms, in the order in which they are told. Record: the compiler holds that each has its detector.

import type { Symptom } from '../../protocol/alert.ts';
import type { Detector } from '../observed.ts';
import { backlog } from './backlog.ts';
import { clockSkew } from './clock-skew.ts';
import { duplicateIdentity } from './duplicate-identity.ts';
import { fatalOnly } from './fatal-only.ts';
import { fleetSilent } from './fleet-silent.ts';
import { neverSeen } from './never-seen.ts';
import { receiverDown } from './receiver-down.ts';
import { refused } from './refused.ts';
import { silent } from './silent.ts';
import { staleCode } from './stale-code.ts';
import { unhealthy } from './unhealthy.ts';
import { unstamped } from './unstamped.ts';
import { updateFailed } from './update-failed.ts';

const BY_SYMPTOM: Record<Symptom, Detector> = {
  silent,
  'fatal-only': fatalOnly,
  unstamped,
  refused,
  'never-seen': neverSeen,
  'stale-code': staleCode,
  backlog,
  unhealthy,
  'clock-skew': clockSkew,
  'duplicate-identity': duplicateIdentity,
  'update-failed': updateFailed,
  'receiver-down': receiverDown,
  'fleet-silent': fleetSilent,
};

export const DETECTORS: readonly Detector[] = Object.values(BY_SYMPTOM);
