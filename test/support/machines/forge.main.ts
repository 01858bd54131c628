// A forge on a machine of its own: forge.main.ts REPOSITORY. Port 80 on every address leads to it.

import { connect, createServer } from 'node:net';
import { TestForge } from '../forge.ts';
import { GitRepository } from '../git-repository.ts';

const [repository = ''] = process.argv.slice(2);
const forge = await TestForge.start(new GitRepository(repository));
const { port } = new URL(forge.url);
createServer((socket) => {
  const inner = connect(Number(port), '127.0.0.1');
  for (const end of [socket, inner]) end.on('error', () => end.destroy());
  socket.pipe(inner).pipe(socket);
}).listen(80, '0.0.0.0', () => process.stdout.write('the forge listens\n'));
