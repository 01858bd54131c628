// Every check of a lab host, in the order of the report. The compiler holds that none of them is missing.

import type { Check, LabHostCheckId } from '../check.ts';
import { autoupdateCheck } from './autoupdate.ts';
import { backlogCheck } from './backlog.ts';
import { certificateExpiryCheck } from './certificate-expiry.ts';
import { clockCheck } from './clock.ts';
import { configurationCheck } from './configuration.ts';
import { diskCheck } from './disk.ts';
import { episodesCheck } from './episodes.ts';
import { librariesCheck } from './libraries.ts';
import { quarantineCheck } from './quarantine.ts';
import { RECEIVER_LAYERS } from './receiver-layers.ts';
import { shippingErrorsCheck } from './shipping-errors.ts';
import { timersCheck } from './timers.ts';
import { tokenExpiryCheck } from './token-expiry.ts';
import { unitsCheck } from './units.ts';
import { versionCheck } from './version.ts';

export const ALL_CHECKS: { readonly [Id in LabHostCheckId]: Check<Id> } = {
  configuration: configurationCheck,
  ...RECEIVER_LAYERS,
  'certificate-expiry': certificateExpiryCheck,
  'token-expiry': tokenExpiryCheck,
  clock: clockCheck,
  disk: diskCheck,
  libraries: librariesCheck,
  backlog: backlogCheck,
  episodes: episodesCheck,
  quarantine: quarantineCheck,
  units: unitsCheck,
  timers: timersCheck,
  version: versionCheck,
  autoupdate: autoupdateCheck,
  'shipping-errors': shippingErrorsCheck,
};
