// What a shipper costs that has thousands of episodes waiting and nobody to send them to: resident memory, and the share of one core.
//   node test/fault/idle-cost.main.ts [--seconds 60] [--episodes 10000] [--held]
// `--held`: a receiver answers, and has no such path, so that everything is held. Else its port refuses connections.

import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { plantBacklog } from '../support/backlog.ts';
import { TestFleet } from '../support/fleet.ts';
import { readProcessCost } from '../support/process-cost.ts';
import { makeDirectory } from '../support/temporary-directory.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    episodes: { type: 'string', default: '10000' },
    held: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
// The start, the first scan and the first attempts are not what an idle hour costs.
const SETTLE_S = 20;

const fleet = await TestFleet.create(makeDirectory());
const server = createServer((request, response) => {
  request.resume();
  response.writeHead(404).end();
});
if (values.held) await once(server.listen(fleet.port, '127.0.0.1'), 'listening');
const host = fleet.addHost('lab-1');
// As it is installed: how often it looks for new episodes is the default.
writeFileSync(host.config, readFileSync(host.config, 'utf8').replace(/^scan_interval_s = .*$/m, ''));
plantBacklog(host, Number(values.episodes));
const shipper = fleet.startShipper(host);
try {
  await shipper.printed(values.held ? /shipping is held/ : /code=econnrefused/);
  await delay(SETTLE_S * 1000);
  const before = readProcessCost(shipper.child.pid);
  await delay(seconds * 1000);
  const after = readProcessCost(shipper.child.pid);
  const cpuPercent = (100 * (after.cpuS - before.cpuS)) / seconds;
  process.stdout.write(
    `${values.episodes} episodes wait, ${values.held ? 'held' : 'receiver away'}, over ${seconds} s: ` +
      `${after.residentMiB.toFixed(1)} MiB resident (at most ${after.peakMiB.toFixed(1)}), ${cpuPercent.toFixed(2)} % of a core\n`,
  );
} finally {
  await shipper.stop();
  server.close();
  server.closeAllConnections();
}
