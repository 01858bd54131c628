// Two pings over one connection with this machine's certificate; between them the file that is named must appear. Prints one object.
// Arguments: receiver's URL, the file.

import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { IDENTITY_DIRECTORY } from '../../src/lab-host/identity-layout.ts';

const [url = '', file = ''] = process.argv.slice(2);
const read = (name: string) => readFileSync(join(IDENTITY_DIRECTORY, name));
const tls = { ca: read('ca.crt'), cert: read('current/host.crt'), key: read('current/host.key') };
const agent = new Agent({ ...tls, keepAlive: true, maxSockets: 1 });

const before = await ping();
process.stdout.write('pinged\n');
while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 10));
const after = await ping();
process.stdout.write(
  `${JSON.stringify({ statuses: [before.status, after.status], isSame: before.port === after.port })}\n`,
);
agent.destroy();

async function ping(): Promise<{ status: number | undefined; port: number | undefined }> {
  const asked = request(new URL('/v1/ping', url), { method: 'POST', agent, headers: { 'Content-Length': 0 } }).end();
  const [answer] = await once(asked, 'response');
  const port = asked.socket?.localPort;
  answer.resume();
  await once(answer, 'end');
  return { status: answer.statusCode, port };
}
