// A server as a child process: started on a free port, awaited until it accepts, ended by its own pid.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const START_LIMIT_MS = 15_000;
const LOOK_EVERY_MS = 20;
const STOP_LIMIT_MS = 12_000;

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Resolves once the port accepts. Its output goes to `log` in the directory, whose end is told when it does not start. */
export async function startServer(
  command: string,
  args: readonly string[],
  { directory, port }: { directory: string; port: number },
): Promise<{ pid: number; stop: () => Promise<void> }> {
  const logPath = join(directory, 'log');
  const log = openSync(logPath, 'a');
  const child = spawn(command, args, { cwd: directory, stdio: ['ignore', log, log] });
  closeSync(log);
  let failure: Error | undefined;
  child.on('error', (error) => {
    failure = error;
  });
  const deadline = Date.now() + START_LIMIT_MS;
  while (!(await accepts(port))) {
    if (!failure && child.exitCode === null && Date.now() < deadline) {
      await delay(LOOK_EVERY_MS);
      continue;
    }
    await stop(child);
    throw new Error(`${command} did not start: ${failure?.message ?? ''}\n${await readFile(logPath, 'utf8')}`);
  }
  return { pid: child.pid ?? 0, stop: () => stop(child) };
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const killer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  await exited;
  clearTimeout(killer);
}
