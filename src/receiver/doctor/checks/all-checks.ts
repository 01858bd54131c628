// Every check of the receiver's doctor: the compiler asks for one of each id.

import type { Check, ReceiverCheckId } from '../check.ts';
import { backupAgeCheck } from './backup-age.ts';
import { certificateExpiryCheck } from './certificate-expiry.ts';
import { configurationCheck } from './configuration.ts';
import { diskCheck } from './disk.ts';
import { gateFreshnessCheck } from './gate-freshness.ts';
import { ledgerCheck } from './ledger.ts';
import { librariesCheck } from './libraries.ts';
import { reserveCheck } from './reserve.ts';
import { storeCheck } from './store.ts';
import { timersCheck } from './timers.ts';
import { unitsCheck } from './units.ts';

/** In the order in which they are shown. */
export const ALL_CHECKS: { readonly [Id in ReceiverCheckId]: Check<Id> } = {
  configuration: configurationCheck,
  units: unitsCheck,
  timers: timersCheck,
  store: storeCheck,
  reserve: reserveCheck,
  disk: diskCheck,
  ledger: ledgerCheck,
  'gate-freshness': gateFreshnessCheck,
  'certificate-expiry': certificateExpiryCheck,
  libraries: librariesCheck,
  'backup-age': backupAgeCheck,
};
