// Every fault of the table.

import type { Fault } from '../fault.ts';
import { CODE_FAULTS } from './code.ts';
import { CREDENTIAL_FAULTS } from './credentials.ts';
import { DISK_FAULTS } from './disks.ts';
import { IDENTITY_FAULTS } from './identity.ts';
import { NETWORK_FAULTS } from './network.ts';
import { PROGRAM_FAULTS } from './programs.ts';

export const FAULTS: readonly Fault[] = [
  ...PROGRAM_FAULTS,
  ...NETWORK_FAULTS,
  ...CREDENTIAL_FAULTS,
  ...CODE_FAULTS,
  ...DISK_FAULTS,
  ...IDENTITY_FAULTS,
];
