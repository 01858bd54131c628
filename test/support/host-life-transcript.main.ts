// Writes docs/host-life.md: a bare machine made a lab host, with what each command printed, on machines with a real systemd. As root:
// node test/support/host-life-transcript.main.ts

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BootedMachine } from './containers/booted-machine.ts';
import { HostLifeLab, recordQuickly } from './host-life-lab.ts';
import { PROJECT_ROOT } from './program.ts';
import { makeDirectory } from './temporary-directory.ts';

const work = makeDirectory();
const lab = await HostLifeLab.create(work);
try {
  await lab.installReceiver();
  const host = await lab.startHost({ name: 'lab-1', address: '10.49.3.11' });
  const token = await said(lab.receiver, 'sudo cis490 ca token --host lab-1');
  const [, secret = ''] = /^token +(\S+)$/m.exec(token) ?? [];
  const [, fingerprint = ''] = /^fingerprint +(\S+)$/m.exec(token) ?? [];
  const lines = lab.bareCommands('lab-1', { token: secret, ca_fingerprint: fingerprint });
  const pasted = `${lines.trimEnd()} --with-telemetry\n`;
  const bootstrapped = await said(host, pasted);
  await recordQuickly(host);
  await lab.stores('lab-1');
  await host.until(['cis490', 'doctor'], /^lab-1 is green/m);
  await host.sure('systemctl start cis490-doctor-check');
  const page = `# A host's first minutes

Made by \`node test/support/host-life-transcript.main.ts\`: a receiver and a Debian without Node, npm or a package registry, each a container with
a systemd of its own. What stands here is what was pasted and what it printed; the token is cut short. What each step does is in
[bootstrap](bootstrap.md); what follows in a host's life, renewal, revocation and updates, in [certificates](certificates.md) and [update](update.md).

## On the receiver

${block('sudo cis490 ca token --host lab-1', token)}
## On the new machine

${block('command -v node npm cis490', await said(host, 'env -i PATH=/usr/bin:/bin sh -c "command -v node npm" || true'))}
The commands of [bootstrap](bootstrap.md#from-the-receiver-with-nothing-but-curl-and-openssl), with the three facts put in, and \`--with-telemetry\` at the end:

${block(lines.split('\n').slice(0, 4).join('\n').concat('\n…'), bootstrapped)}
${block('systemctl list-units --plain --no-legend "cis490*"', await said(host, 'systemctl list-units --plain --no-legend "cis490*"'))}
## Healthy

With episodes of a second in place of five minutes, so that this page is made soon:

${block('sudo cis490 doctor', await said(host, 'sudo cis490 doctor'))}
On the receiver:

${block('cis490 fleet --token-file ~/cis490-reader.token', await said(lab.receiver, 'cis490 fleet --token-file ~/cis490-reader.token'))}
${block('sudo cis490 ca list', await said(lab.receiver, 'sudo cis490 ca list'))}`;
  writeFileSync(join(PROJECT_ROOT, 'docs/host-life.md'), `${page.replaceAll(secret, 'cis490_enrol_…').trimEnd()}\n`);
} finally {
  await lab.machines.stop();
  rmSync(work, { recursive: true, force: true });
}

async function said(machine: BootedMachine, lines: string): Promise<string> {
  return await machine.sure(`exec 2>&1\n${lines}`);
}

/** A progress meter is shown as it ended. */
function block(command: string, output: string): string {
  const lines = output
    .split('\n')
    .map((line) => line.split('\r').at(-1)?.trimEnd() ?? '')
    .filter((line) => !/^ +(?:% Total|Dload)/.test(line));
  const prompt = command
    .split('\n')
    .map((line) => `$ ${line}`)
    .join('\n');
  return `\`\`\`\n${prompt}\n${lines.join('\n').trimEnd()}\n\`\`\`\n`;
}
