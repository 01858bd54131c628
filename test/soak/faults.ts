// The faults that a soak draws from: what each does to the fleet, and, of those that last, what ends them some rounds later.

import { appendFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { STALE_COMMIT } from '../support/fleet.ts';
import { type ReceiverSettings, ROOMY, type SoakFleet } from './soak-fleet.ts';

/** What has been done, in a few words; `end`, where it lasts. */
export interface Done {
  what: string;
  end?: () => Promise<void>;
}

export interface Fault {
  kind: string;
  /** How often it is drawn beside the others. */
  weight: number;
  /** True when a program ends by it: none of these are drawn while memory is watched. */
  endsPrograms: boolean;
  /** Whether it can be done now. */
  applies: (fleet: SoakFleet) => boolean;
  strike: (fleet: SoakFleet, random: () => number) => Promise<Done>;
}

// Not before 1970, where no machine's clock can be: libfaketime lags a little behind the time that it is given.
const CLOCKS = ['+0', '+1y', '-1y', '+40d', '@1970-01-01 00:00:30'];
const NO_ROOM = '8000000 GiB';
const TORN_ROW = '{"host_id":"lab-01","episode_id":"torn","received_at_';
const STATE_FILES = ['state.db', 'state.db-wal', 'state.db-shm'];

const serves = ({ receiver }: SoakFleet) => receiver.isRunning && !receiver.isPaused;
const always = () => true;

export const FAULTS: readonly Fault[] = [
  receiverEnds('receiver-killed', 6, () => undefined),
  receiverEnds('ledger-torn', 2, (fleet) => appendFileSync(join(fleet.store, 'index.jsonl'), TORN_ROW)),
  receiverEnds('state-db-gone', 2, (fleet) => {
    for (const name of STATE_FILES) rmSync(join(fleet.store, name), { force: true });
  }),
  {
    kind: 'receiver-away',
    weight: 2,
    endsPrograms: true,
    applies: serves,
    async strike({ receiver }, random) {
      const isKilled = random() < 0.5;
      await (isKilled ? receiver.kill() : receiver.stop());
      return { what: isKilled ? 'killed' : 'told to stop', end: () => receiver.start() };
    },
  },
  {
    kind: 'shipper-killed',
    weight: 12,
    endsPrograms: true,
    applies: always,
    async strike(fleet, random) {
      const { hostId, shipper } = pick(fleet.hosts, random);
      await shipper.kill();
      await shipper.start();
      return { what: hostId };
    },
  },
  {
    kind: 'shipper-restarted',
    weight: 4,
    endsPrograms: true,
    applies: always,
    async strike(fleet, random) {
      const { hostId, shipper } = pick(fleet.hosts, random);
      await shipper.stop();
      await shipper.start();
      return { what: hostId };
    },
  },
  {
    kind: 'receiver-paused',
    weight: 2,
    endsPrograms: false,
    applies: serves,
    async strike({ receiver }) {
      await receiver.ready();
      receiver.pause();
      return { what: 'SIGSTOP', end: async () => receiver.goOn() };
    },
  },
  {
    kind: 'shipper-paused',
    weight: 4,
    endsPrograms: false,
    applies: (fleet) => fleet.hosts.some(({ shipper }) => !shipper.isPaused),
    async strike(fleet, random) {
      const running = fleet.hosts.filter(({ shipper }) => !shipper.isPaused);
      const { hostId, shipper } = pick(running, random);
      shipper.pause();
      return { what: hostId, end: async () => shipper.goOn() };
    },
  },
  {
    kind: 'store-full',
    weight: 2,
    endsPrograms: false,
    applies: (fleet) => serves(fleet) && fleet.settings.minFree !== NO_ROOM,
    async strike(fleet) {
      const { minFree } = fleet.settings;
      await change(fleet, { minFree: NO_ROOM });
      return { what: 'the reserve is larger than the disk', end: () => change(fleet, { minFree }) };
    },
  },
  {
    kind: 'host-disk-full',
    weight: 4,
    endsPrograms: false,
    applies: (fleet) => fleet.hosts.some(({ disk }) => disk && !disk.isShrunk),
    async strike(fleet, random) {
      const { hostId, disk } = pick(
        fleet.hosts.filter((host) => host.disk && !host.disk.isShrunk),
        random,
      );
      disk?.shrinkToContent();
      return { what: `${hostId} has not a page left`, end: async () => disk?.resize(ROOMY) };
    },
  },
  {
    kind: 'gate-moved',
    weight: 2,
    endsPrograms: false,
    applies: (fleet) => serves(fleet) && fleet.settings.commits.length > 1,
    async strike(fleet) {
      const { commits } = fleet.settings;
      await change(fleet, { commits: [STALE_COMMIT] });
      const end = async () => {
        await change(fleet, { commits });
        await fleet.requeueAll();
      };
      return { what: 'what most hosts record is refused', end };
    },
  },
  {
    kind: 'clock-stepped',
    weight: 4,
    endsPrograms: false,
    applies: (fleet) => fleet.hosts.some(({ clock }) => clock),
    async strike(fleet, random) {
      const wrong = fleet.hosts.filter(({ clock }) => clock);
      const { hostId, clock } = pick(wrong, random);
      const time = pick(CLOCKS, random);
      clock?.set(time);
      return { what: `${hostId} to ${time}` };
    },
  },
  {
    kind: 'reloaded',
    weight: 2,
    endsPrograms: false,
    applies: serves,
    async strike(fleet, random) {
      const { hostId, shipper } = pick(fleet.hosts, random);
      if (!shipper.isPaused) {
        await shipper.ready();
        shipper.signal('SIGHUP');
      }
      // There for no longer than it takes to be refused: with it nothing would start.
      await fleet.receiver.ready();
      fleet.configure({ hasMistake: true });
      await fleet.receiver.signalled('SIGHUP', /the new configuration is not usable/g);
      fleet.configure({ hasMistake: false });
      return { what: `${hostId}, and the receiver with a mistake` };
    },
  },
];

/** By weight, among those that can be done now. */
export function drawFault(fleet: SoakFleet, random: () => number, mayEndPrograms: boolean): Fault {
  const possible = FAULTS.filter(({ applies, endsPrograms }) => applies(fleet) && (mayEndPrograms || !endsPrograms));
  const total = possible.reduce((sum, { weight }) => sum + weight, 0);
  let left = random() * total;
  for (const fault of possible) {
    left -= fault.weight;
    if (left < 0) return fault;
  }
  throw new Error('no fault can be done now');
}

/** It is killed, something becomes of what it left, and it is started again. */
function receiverEnds(kind: string, weight: number, meanwhile: (fleet: SoakFleet) => void): Fault {
  return {
    kind,
    weight,
    endsPrograms: true,
    applies: (fleet) => serves(fleet) && existsSync(join(fleet.store, 'index.jsonl')),
    async strike(fleet) {
      await fleet.receiver.kill();
      meanwhile(fleet);
      await fleet.receiver.start();
      return { what: 'and started again' };
    },
  };
}

/** A receiver that is not there reads it when it starts. */
async function change(fleet: SoakFleet, settings: Partial<ReceiverSettings>): Promise<void> {
  fleet.configure(settings);
  if (!fleet.receiver.isPaused) await fleet.receiver.ready();
  fleet.receiver.signal('SIGHUP');
}

function pick<T>(from: readonly T[], random: () => number): T {
  const picked = from[Math.floor(random() * from.length)];
  if (picked === undefined) throw new Error('nothing to pick from');
  return picked;
}
