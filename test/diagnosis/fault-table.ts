// docs/diagnosis.md: the faults, who names each and in which words, and whose printed commands cure it.

import type { Fault } from './fault.ts';
import { FAULTS } from './faults/index.ts';

const HEAD = `<!-- Generated: npm run diagnosis -- --table > docs/diagnosis.md -->
# What is diagnosed

Each of these faults is planted in a small fleet that runs: a receiver with its monitor and two or three lab hosts, each a machine with its own
files, users, disk and network card, and the real programs in it. Within one tick it must be named by whoever the table says, host and
cause, and by no other host's name. Then the printed commands are run unchanged, and the host must store again, be heard again, and what
named it must be green. \`lab-1\` is the host with the fault; \`*\` the fleet as a whole.

\`\`\`sh
sudo npm run diagnosis                      # all of them, the score, and 1,000 ticks over a healthy fleet
sudo npm run diagnosis -- torn-ledger       # by name
\`\`\`

The cure is what \`cis490 doctor\` prints on that machine, or what \`cis490 fleet-health\` suggests, run from the receiver's. A person's hand
is named where no command can do it. systemctl, sudo, ssh, journalctl and timedatectl are stand-ins that really do what they say; sudoedit makes the
change that a person would make; the installer, autoupdate and cert-fetch are stand-ins, too.

| fault | \`fleet-health\` | \`doctor\` | \`/v1/fleet\` | the cure |
|---|---|---|---|---|
`;

export function faultTable(): string {
  return HEAD + FAULTS.map(rowOf).join('');
}

function rowOf({ id, title, expect, cure, byHand }: Fault): string {
  const { fleetHealth, doctor, fleetView } = expect;
  const cells = [
    `**${id}**: ${title}`,
    fleetHealth ? `${code(fleetHealth.host)} ${fleetHealth.symptom}` : '',
    doctor ? `${code(doctor.machine)} ${doctor.check}: ${doctor.status}` : '',
    fleetView ? `${code(fleetView.host)} ${fleetView.state}` : '',
    cureOf(cure, byHand),
  ];
  return `| ${cells.join(' | ')} |\n`;
}

function cureOf(cure: Fault['cure'], byHand: Fault['byHand']): string {
  if (!byHand) return `of ${cure}`;
  if (cure === 'by-hand') return `a person ${byHand.what}`;
  return byHand.when === 'before'
    ? `a person ${byHand.what}; then of ${cure}`
    : `of ${cure}; then a person ${byHand.what}`;
}

function code(text: string): string {
  return `\`${text}\``;
}
