// What one planted fault is: how it is made, who must name it and in which words, and whose printed cure ends it.

import type { CheckStatus } from '../../src/lib/self-check/check-result.ts';
import type { Symptom } from '../../src/protocol/alert.ts';
import type { CheckId } from '../../src/protocol/doctor-checks.ts';
import type { Lab } from './lab.ts';

export interface Finding {
  host: string;
  symptom: Symptom;
  detail: string;
  suggested_fix: string;
}

/** How the fleet is that the fault is planted in. */
export interface LabOptions {
  /** Certificates in place of tokens. */
  tls?: boolean;
  /** The gate reads the branch from a forge on a machine of its own. */
  forge?: boolean;
  /** How many times faster the receiver's intervals pass: of the gate, which asks once a minute. */
  receiverHurry?: number;
  /** A reverse proxy in front of the receiver, on its machine. */
  caddy?: boolean;
  hosts?: readonly string[];
  /** Of these, those that are not switched on. */
  absent?: readonly string[];
  /** The host that records by itself; on the others the test publishes. */
  orchestrator?: string;
  url?: string;
  hostKeys?: string;
  receiverKeys?: string;
  /** Of the store; default 1 MiB. */
  minFree?: string;
  monitorKeys?: string;
  gateKeys?: string;
  /** Before anything runs. */
  prepare?: (lab: Lab) => Promise<void> | void;
}

export interface Expected {
  fleetHealth?: { host: string; symptom: Symptom; detail: RegExp };
  doctor?: { machine: string; check: CheckId; status: CheckStatus; summary: RegExp };
  /** In /v1/fleet. */
  /** Another host that fleet-health may name besides, with this symptom. */
  besides?: { host: string; symptom: Symptom };
  fleetView?: { host: string; state: string };
}

export interface Fault {
  id: string;
  title: string;
  lab?: LabOptions;
  plant(lab: Lab): Promise<void>;
  expect: Expected;
  /** Whose printed commands are run; `fleet-health`: from the receiver's machine. */
  cure: 'doctor' | 'fleet-health' | 'by-hand';
  /** What a person does besides, where no command can; told in the table. */
  byHand?: { what: string; when: 'before' | 'after'; act(lab: Lab): Promise<void> };
  /** Hosts that must store again; without it `lab-1`. */
  storesAgain?: readonly string[];
  /** What the doctor's check may stay for a while: what happened stays in its log. */
  leaves?: CheckStatus;
  /** Until it is well again, beside what was named being gone. */
  healthy?(lab: Lab): Promise<void>;
}
