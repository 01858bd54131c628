// CIS490's shipper as it is deployed: its launcher, its defaults, one pass, its log going to a file.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { measureCommand } from '../measure-command.ts';
import { LAUNCHER } from '../peers/cis490.ts';
import { HOST_ID, type Sender } from './sender.ts';
import { toReceiver } from './to-receiver.ts';

export const shipper: Sender = {
  name: 'CIS490',
  missing: () => undefined,
  start: (directory, lab) =>
    toReceiver(directory, lab, async ({ data, url }) => {
      const config = join(directory, 'lab-host.toml');
      const { authority, host } = lab;
      await writeFile(
        config,
        `host_id = "${HOST_ID}"
[paths]
data_dir = "${data}"
[receiver]
url = "${url}"
[receiver.tls]
ca_file = "${authority.certFile}"
cert_file = "${host.certFile}"
key_file = "${host.keyFile}"
[shipper]
min_free = "64 MiB"
`,
      );
      return (stop) => measureCommand(LAUNCHER, ['shipper', '--once', '--config', config], { directory, stop });
    }),
};
